//! The checks of a request, in their order: path, method, tenant, access, Accept, Content-Type,
//! JSON; then its handler.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{RawPathParams, Request, State};
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use axum::routing::any;
use serde_json::Value;
use std::sync::Arc;

use super::Api;
use super::answer::{Answer, MEDIA_TYPE, Outcome};
use super::call::{Call, unavailable};
use super::guard;
use super::probes;
use super::table::{self, Route};
use crate::limits;
use crate::store::StoreError;

/// All paths.
pub fn router(api: Arc<Api>) -> Router {
    let mut router = Router::new();
    for path in table::paths() {
        let serve = move |State(api): State<Arc<Api>>, names: RawNames, request: Request| {
            serve(api, path, names, request)
        };
        router = router.route(path, any(serve));
    }
    let probes = probes::router(Arc::clone(&api.base.watch));
    router.fallback(nowhere).with_state(api).merge(probes)
}

/// Names of the path; none that is no UTF-8 is a name of anything.
type RawNames = Result<RawPathParams, axum::extract::rejection::RawPathParamsRejection>;

/// What no path has.
async fn nowhere(method: Method) -> Response {
    let is_asked = method == Method::OPTIONS;
    if is_asked { Answer::empty() } else { Answer::no_path() }.into_response()
}

async fn serve(api: Arc<Api>, path: &str, names: RawNames, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if parts.method == Method::OPTIONS {
        return Answer::empty().into_response();
    }
    let Ok(names) = names else { return Answer::no_path().into_response() };
    let names = names.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    check(api, path, names, parts, body).await.unwrap_or_else(|error| error).into_response()
}

async fn check(
    api: Arc<Api>,
    path: &str,
    names: Vec<(String, String)>,
    parts: Parts,
    body: Body,
) -> Outcome {
    if !is_there(&api, path, &names) {
        return Err(Answer::no_path());
    }
    let route = find(path, &parts)?;
    let caller = if route.access.is_empty() {
        guard::nobody()
    } else {
        let mut caller = api.guard.admit(&parts.headers).await?;
        let access = guard::access(route.access, &names, &caller.tenant);
        api.guard.allow(&caller, &access).await?;
        if route.looks_below(parts.uri.query().unwrap_or_default()) {
            api.guard.look_below(&mut caller).await?;
        }
        caller
    };
    if route.gives_document() {
        check_accept(&parts.headers)?;
    }
    let mut call = Call {
        api,
        caller,
        path: parts.uri.path().to_owned(),
        names,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body: Value::Null,
        if_match: parts.headers.get(IF_MATCH).map(|tags| {
            // A tag that is no text is nobody's.
            tags.to_str().unwrap_or_default().to_owned()
        }),
    };
    if route.takes_document {
        check_content_type(&parts.headers)?;
        call.body = read(&parts.headers, body).await?;
    }
    if route.needs_store() && !call.world().is_loaded() {
        return Err(unavailable(&StoreError::Loading));
    }
    let run = route.run;
    let outcome = tokio::task::spawn_blocking(move || run(&call)).await;
    outcome.unwrap_or_else(|error| {
        tracing::error!(%error, path, "the REST API");
        Err(Answer::failed())
    })
}

/// Whether what the path names in passing is there: this is answered before anybody is asked who
/// he is.
fn is_there(api: &Api, path: &str, names: &[(String, String)]) -> bool {
    let name = |key| names.iter().find(|(name, _)| name == key).map(|(_, value)| &**value);
    let is_plugin = name("pg").is_none_or(|plugin| api.world().plugins().release(plugin).is_some());
    let is_operation = || {
        let Some(number) = name("op") else { return true };
        let parent = path.strip_suffix("/{op}").unwrap_or(path);
        let parent = parent.replace("{pg}", name("pg").unwrap_or_default());
        api.operations.progress(&parent, number).is_some()
    };
    is_plugin && is_operation()
}

/// HEAD is GET without a body, and needs what GET needs.
fn find(path: &str, parts: &Parts) -> Result<&'static Route, Answer> {
    let method = if parts.method == Method::HEAD { &Method::GET } else { &parts.method };
    table::find(path, method).ok_or_else(|| {
        let mut allowed = vec!["HEAD", "OPTIONS"];
        let methods: Vec<_> = table::methods(path).collect();
        if !methods.contains(&"GET") {
            allowed.remove(0);
        }
        allowed.extend(methods);
        Answer::no_method(parts.uri.path(), parts.method.as_str(), &allowed)
    })
}

/// Whether one of these may be sent; weights do not count.
fn check_accept(headers: &HeaderMap) -> Result<(), Answer> {
    let mut ranges = headers.get_all(ACCEPT).iter().peekable();
    if ranges.peek().is_none() {
        return Ok(());
    }
    let ranges = ranges.filter_map(|ranges| ranges.to_str().ok());
    let mut ranges = ranges.flat_map(|ranges| ranges.split(',')).map(media_type);
    if ranges.any(|range| matches!(&*range, "*/*" | "application/*") || is_json(&range)) {
        return Ok(());
    }
    let text = format!("You must accept the \"{MEDIA_TYPE}\" MIME type.");
    Err(Answer::text(StatusCode::NOT_ACCEPTABLE, text))
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Answer> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if kind.is_some_and(|kind| is_json(&media_type(kind))) {
        return Ok(());
    }
    let text = format!("Entity must be in media type \"{MEDIA_TYPE}\".");
    Err(Answer::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, text))
}

/// A media type without its parameters.
fn media_type(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(kind: &str) -> bool {
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

async fn read(headers: &HeaderMap, body: Body) -> Result<Value, Answer> {
    let too_long = || {
        let text = format!("More than {} bytes.", limits::REST_BODY_BYTES_MAX);
        Answer::text(StatusCode::PAYLOAD_TOO_LARGE, text)
    };
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    // Where it is told, nothing is read for it.
    if length.and_then(|length| length.parse::<usize>().ok()) > Some(limits::REST_BODY_BYTES_MAX) {
        return Err(too_long());
    }
    let bytes = to_bytes(body, limits::REST_BODY_BYTES_MAX).await.map_err(|_| too_long())?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Answer::bad(format!("Invalid JSON document: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: axum::http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().expect("a value"))])
    }

    #[test]
    fn every_form_of_json_is_accepted_and_nothing_else() {
        assert!(check_accept(&HeaderMap::new()).is_ok());
        for good in [
            MEDIA_TYPE,
            "text/html, */*;q=0.1",
            "application/*",
            "application/json",
            "application/hal+json; charset=utf-8",
            "Application/JSON",
        ] {
            assert!(check_accept(&headers(ACCEPT, good)).is_ok(), "{good}");
        }
        for bad in ["text/html", "application/xml", "image/svg+xml", "text/x+json"] {
            assert!(check_accept(&headers(ACCEPT, bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn documents_come_as_json() {
        for good in [MEDIA_TYPE, "application/json; charset=utf-8"] {
            assert!(check_content_type(&headers(CONTENT_TYPE, good)).is_ok(), "{good}");
        }
        assert!(check_content_type(&HeaderMap::new()).is_err());
        assert!(check_content_type(&headers(CONTENT_TYPE, "text/plain")).is_err());
    }
}
