//! The API's description (OpenAPI), made of the same table that requests are served by.

use std::sync::LazyLock;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, InfoBuilder, ObjectBuilder, OpenApiBuilder, Paths, Required,
    ResponseBuilder, Type,
};

use super::answer::{Answer, MEDIA_TYPE, Outcome};
use super::call::Call;
use super::probes;
use super::table::{ROUTES, Route};

/// The media type of the description itself.
const YAML: &str = "application/yaml";
/// The query of a list.
const LIST: [(&str, &str); 8] = [
    ("q", "Selector, a JSON object"),
    ("q64", "The same in base64; it goes over q"),
    ("fields", "Keys that are wanted, with commas between"),
    ("skip", "Documents that are left out at the beginning"),
    ("limit", "Most documents; 0 for all"),
    ("sort", "Key to sort by"),
    ("sort_ord", "ASC or DESC"),
    ("recurse", "true: devices of tenants below the caller's too"),
];

/// What answers mean, whatever was asked.
const ERRORS: [(&str, &str); 9] = [
    ("400", "The request is wrong; the text says why"),
    ("401", "The token is missing or not valid, or does not give this access"),
    ("404", "There is no such resource, or none that the tenant may see"),
    ("406", "JSON must be accepted"),
    ("412", "If-Match names another revision"),
    ("413", "The document is too long"),
    ("415", "The document must be JSON"),
    ("500", "The document is not valid, or the server failed; the text says why"),
    ("503", "The store does not take it now; nothing was changed"),
];

/// The description. It is JSON, and so YAML too.
pub fn describe(_: &Call) -> Outcome {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        document().to_pretty_json().expect("invariant: the description can be written")
    });
    Ok(Answer::other(YAML, TEXT.clone()))
}

fn document() -> utoipa::openapi::OpenApi {
    let mut paths = Paths::new();
    for route in ROUTES {
        let method = match route.method {
            "GET" => HttpMethod::Get,
            "POST" => HttpMethod::Post,
            "PUT" => HttpMethod::Put,
            _ => HttpMethod::Delete,
        };
        paths.add_path_operation(route.path, vec![method], operation(route));
    }
    for (path, summary) in probes::PATHS {
        let done = ResponseBuilder::new().description("Text");
        let operation = OperationBuilder::new()
            .summary(Some(summary))
            .operation_id(Some(format!("get_{}", path.trim_start_matches('/'))))
            .tag("probes")
            .response("200", done.build());
        paths.add_path_operation(path, vec![HttpMethod::Get], operation.build());
    }
    let token = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-Auth-Token")));
    let info = InfoBuilder::new()
        .title("ringboot")
        .version("0.2")
        .description(Some("Devices, configurations and plugins of a provisioning server."));
    OpenApiBuilder::new()
        .info(info.build())
        .paths(paths)
        .components(Some(ComponentsBuilder::new().security_scheme("token", token).build()))
        .build()
}

fn operation(route: &Route) -> Operation {
    let mut operation = OperationBuilder::new()
        .summary(Some(route.summary))
        .operation_id(Some(name(route)))
        .tag(route.path.split('/').nth(2).unwrap_or("root"));
    for part in route.path.split('/') {
        if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            let text = "Name of the resource";
            operation = operation.parameter(parameter(ParameterIn::Path, (name, text)));
        }
    }
    if !route.access.is_empty() {
        let tenant = ("Wazo-Tenant", "Tenant that the request acts for");
        operation = operation
            .description(Some(format!("Access: `{}`", route.access)))
            .parameter(parameter(ParameterIn::Header, tenant))
            .security(SecurityRequirement::new("token", Vec::<String>::new()));
    }
    if route.is_list() {
        for one in LIST {
            operation = operation.parameter(parameter(ParameterIn::Query, one));
        }
    }
    if route.path.starts_with("/ringboot/trace/") {
        let follow = ("follow", "1: JSON lines as the phone asks, an empty one now and then");
        operation = operation.parameter(parameter(ParameterIn::Query, follow));
    }
    if route.takes_document {
        let body = RequestBodyBuilder::new().content(MEDIA_TYPE, object());
        operation = operation.request_body(Some(body.required(Some(Required::True)).build()));
    }
    let mut good = ResponseBuilder::new().description("Done");
    if route.method == "GET" {
        good = good.content(if route.gives_document() { MEDIA_TYPE } else { YAML }, object());
    }
    operation = operation.response(route.success.to_string(), good.build());
    for (code, text) in ERRORS {
        operation = operation.response(code, ResponseBuilder::new().description(text).build());
    }
    operation.build()
}

/// `get_dev_mgr_devices_id`.
fn name(route: &Route) -> String {
    let is_name = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let path: String = route.path.replace(['{', '}'], "").chars().map(is_name).collect();
    format!("{}{}", route.method.to_ascii_lowercase(), path.trim_start_matches("_0_2"))
}

fn parameter(place: ParameterIn, (name, text): (&str, &str)) -> utoipa::openapi::path::Parameter {
    let is_path = matches!(place, ParameterIn::Path);
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(if is_path { Required::True } else { Required::False })
        .description(Some(text))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}

fn object() -> Content {
    Content::new(Some(ObjectBuilder::new().schema_type(Type::Object)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn every_route_is_described_once() {
        let text = document().to_json().expect("JSON");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        for route in ROUTES {
            let place = &document["paths"][route.path][route.method.to_ascii_lowercase()];
            assert_eq!(place["summary"], json!(route.summary), "{}", route.path);
        }
        assert_eq!(document["openapi"], "3.1.0");
    }
}
