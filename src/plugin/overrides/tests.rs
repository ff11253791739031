//! Overrides win in the order of the specification, render as wazo-provd's do, and break nothing.

use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

use crate::device::{Device, Document, Mac, raw};
use crate::plugin::{Plugins, Rendered};
use crate::world::fixture::Folder;

/// The vendors of this project.
const PLUGINS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/plugins");
const YEALINK: &str = "wazo-yealink-v86";
const AASTRA: &str = "wazo-aastra-3.3.1-SP4";
const CISCO: &str = "wazo-cisco-spa3102-5.1.10";

/// A folder of plugins and one of overrides.
struct Place(Folder);

impl Place {
    fn new() -> Self {
        let place = Self(Folder::new());
        fs::create_dir_all(place.templates()).expect("a folder");
        place
    }

    fn templates(&self) -> PathBuf {
        self.0.0.join("templates")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.0.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// Puts an override in its place.
    fn put(&self, plugin: &str, name: &str, text: &str) {
        self.write(&format!("templates/{plugin}/{name}"), text);
    }

    /// The project's plugins with the overrides over them.
    fn load(&self) -> Plugins {
        Plugins::load_over(Path::new(PLUGINS), &self.templates()).expect("plugins without mistakes")
    }

    /// A vendor of the test's own, with the overrides over it.
    fn acme(&self) -> Plugins {
        Plugins::load_over(&self.0.0.join("plugins"), &self.templates()).expect("a vendor")
    }

    /// Writes that vendor: its release `acme-1` has two files of a phone and one that all share.
    fn ship(&self, templates: &[(&str, &str)]) {
        let manifest = r#"
format = 1
vendor = "Acme"
prefix = "acme-"
summary = "Acme desk phones"
[render]
escape = "xml"
[[extract]]
agent = '^Acme (?P<model>\w+)$'
set = { vendor = "Acme" }
[[file]]
path = "{mac}-extra.cfg"
template = "extra.tpl"
[[file]]
path = "acme/{MAC}.cfg"
template = "phone.tpl"
trigger = true
[[common]]
path = "all.cfg"
template = "all.tpl"
[[release]]
name = "1"
serves = ["http"]
models = { A1 = {}, A2 = {} }
"#;
        self.write("plugins/acme/plugin.toml", manifest);
        for (name, text) in templates {
            self.write(&format!("plugins/acme/templates/{name}"), text);
        }
    }
}

const ACME: [(&str, &str); 4] = [
    ("phone.tpl", "{% include 'part.tpl' %}\n{% block name %}\n<n>{{ X_n }}</n>\n{% endblock %}\n"),
    ("part.tpl", "{% if X_n %}\n<part>{{ X_n }}</part>\n{% endif %}\n"),
    ("extra.tpl", "extra\n"),
    ("all.tpl", "all {% include 'part.tpl' %}"),
];

fn phone(model: &str) -> Device {
    let extra = json!({"id": "d", "options": {"switchboard": true}});
    let document = extra.as_object().cloned().expect("an object");
    let mac = Some(Mac([0, 0x15, 0x65, 0x4a, 0xa9, 0x37]));
    let device = Device::from_document(document).expect("a device");
    Device { mac, model: Some(model.into()), ..device }
}

fn settings() -> Document {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tools/raw/full.json");
    let text = fs::read_to_string(path).expect("settings");
    let mut settings: Document = serde_json::from_str(&text).expect("JSON");
    settings.insert("X_n".to_owned(), json!("a&b\nc"));
    raw::fill_defaults(&mut settings);
    settings
}

/// The file whose path ends so.
fn made(plugins: &Plugins, plugin: &str, model: &str, end: &str) -> Rendered {
    let (device, settings) = (phone(model), settings());
    let release = plugins.release(plugin).expect("a release");
    let files = release.device_files(&device).into_iter();
    let (_, file) = files.into_iter().find(|(path, _)| path.ends_with(end)).expect("a file");
    release.rendered(file, &device, &settings).expect("a file")
}

fn text(plugins: &Plugins, plugin: &str, model: &str, end: &str) -> String {
    let rendered = made(plugins, plugin, model, end);
    assert_eq!(rendered.failed_override, None);
    String::from_utf8(rendered.bytes.to_vec()).expect("text")
}

fn faults(plugins: &Plugins) -> Vec<(bool, String, usize, String)> {
    let fault = |fault: &super::Fault| {
        let file = fault.error.file.file_name().expect("a name").to_string_lossy().into_owned();
        (fault.is_broken, file, fault.error.line, fault.error.message.clone())
    };
    plugins.override_faults().map(fault).collect()
}

/// All of the language that the specification lists (section 6.5), and what comes of it.
const SUBSET: &str = "\
{# a comment -#}
{% extends 'frame.tpl' -%}
{% block lines %}
{% for number, line in sip_lines|dictsort if line.username -%}
line.{{ '{:02d}'.format(number|int) }} = {{ line['display_name']|e }}, {{ line.voicemail }}
{%- if loop.previtem is defined %} after {{ loop.previtem[0] }}{% endif %}
{% endfor %}
{%- endblock %}
{%- block keys %}
{%- macro key(n, type='none') -%}
key{{ n.zfill(3) }}={{ type }}
{% endmacro -%}
{% for n, key_ in funckeys.items() if key_.type in ('blf', 'park') %}{{ key(n, key_.type) }}\
{%- endfor %}
{%- for k in funckeys.values() %}{{ loop.index0 }}{{ ',' if not loop.last }}{% endfor %}
{% endblock %}
";

const FRAME: &str = "\
[{{ XX_server_url }}] [{{ XX_server_url_without_scheme }}]
{% set mask = 2 ** 3 + 1 %}{% for n in range(2) %}{{ '%03d'|format(n + mask) }} {% endfor %}
{% block lines %}{% endblock %}
{% block keys %}{% endblock %}
{% include 'tail.tpl' %}
";

const TAIL: &str = "\
{% if XX_options.switchboard %}board{% elif x is not defined %}none{% else %}no{% endif %}
{{ missing }}{{ missing|default('d') }} {{ vlan_id|d(1) }} {{ 'x'|int }} {{ vlan_id|string }}
{{ [3, 1, 2]|sort|first }} {{ X_n }}
dnd {{ XX_wazo_phoned_user_service_dnd_enabled_url }}
off {{ XX_wazo_phoned_user_service_dnd_disabled_url }}
book {{ XX_xivo_phonebook_url }}
";

fn subset(vendor: &str, entry: &str) -> String {
    let user = "6f0b6f3e-2a52-4c39-8a5b-0c8f1f0d9a11";
    let base = "http://192.0.2.30:9498/0.1";
    format!(
        "[http://192.0.2.1:8667] [192.0.2.1:8667]\n\
         009 010 \n\
         \n\
         line.01 = Alice Liddéll, *972001\n\
         line.02 = Bob &lt;Hatter&gt;, *97 after 1\n\
         \n\
         key002=blf\nkey003=park\nkey012=blf\n0,1,2,3,4\n\
         \n\
         board\n\
         d 40 0 40\n\
         1 a&b\nc\n\
         dnd {base}/{vendor}/users/{user}/services/dnd/enable\n\
         off {base}/{vendor}/users/{user}/services/dnd/disable\n\
         book {base}/directories/{entry}/default/{vendor}?xivo_user_uuid={user}"
    )
}

#[test]
fn templates_written_for_the_predecessor_render() {
    let place = Place::new();
    let vendors = [
        (YEALINK, "T46U", ".cfg", subset("yealink", "lookup") + "&term=#SEARCH"),
        (AASTRA, "6731i", ".cfg", subset("aastra", "input")),
        (CISCO, "SPA3102", ".xml", subset("cisco", "input")),
        ("wazo-polycom-5.9.2", "VVX350", "-user.cfg", subset("polycom", "input")),
    ];
    for (plugin, ..) in &vendors {
        place.put(plugin, "base.tpl", SUBSET);
        place.put(plugin, "frame.tpl", FRAME);
        place.put(plugin, "tail.tpl", TAIL);
    }
    let plugins = place.load();
    assert_eq!(faults(&plugins), []);
    for (plugin, model, end, wanted) in vendors {
        assert_eq!(text(&plugins, plugin, model, end), wanted, "{plugin}");
    }
}

#[test]
fn the_device_goes_before_its_model_and_that_before_all() {
    let place = Place::new();
    place.ship(&ACME);
    let shipped = "<part>a&amp;b\nc</part>\n<n>a&amp;b\nc</n>\n";
    let main = |place: &Place, model| text(&place.acme(), "acme-1", model, "37.cfg");
    assert_eq!(main(&place, "A1"), shipped);
    place.put("acme-1", "base.tpl", "all phones'");
    assert_eq!((&*main(&place, "A1"), &*main(&place, "A2")), ("all phones'", "all phones'"));
    place.put("acme-1", "A1.tpl", "{% extends 'base.tpl' %}");
    place.put("acme-1", "A2.tpl", "the A2's{{ data.x }}");
    assert_eq!((&*main(&place, "A1"), &*main(&place, "A2")), ("all phones'", "the A2's"));
    // In whatever case the phone asks.
    place.put("acme-1", "0015654aa937.cfg.tpl", "one phone's");
    assert_eq!((&*main(&place, "A1"), &*main(&place, "A2")), ("one phone's", "one phone's"));
    // The other file is made as before, and can be one phone's too.
    let extra = |place: &Place| text(&place.acme(), "acme-1", "A1", "-extra.cfg");
    assert_eq!(extra(&place), "extra");
    place.put("acme-1", "0015654aa937-extra.cfg.tpl", "more of {{ X_n|e }}");
    assert_eq!(extra(&place), "more of a&amp;b\nc");
    assert_eq!(faults(&place.acme()).len(), 1, "data is a name that is not the predecessor's");
}

#[test]
fn what_is_shipped_takes_overrides_in_and_the_other_way_round() {
    let place = Place::new();
    place.ship(&ACME);
    place.put("acme-1", "part.tpl", "{% if X_n %}\n[{{ X_n|e }}]\n{% endif %}");
    let main = |plugins: &Plugins| text(plugins, "acme-1", "A1", "37.cfg");
    let plugins = place.acme();
    assert_eq!(main(&plugins), "\n[a&amp;b\nc]\n<n>a&amp;b\nc</n>\n");
    let release = plugins.release("acme-1").expect("a release");
    let (_, all) = release.common_files().next().expect("a file");
    let all = release.rendered_common(all, &settings()).expect("a file");
    assert_eq!(&all.bytes[..], b"all \n[a&amp;b\nc]\n");
    // The values of the part that goes over a shipped template are escaped like the rest of it.
    let parent = "{% extends 'shipped/phone.tpl' %}{% block name %}{{ super() }}+{{ X_n }}\
                  {{ X_n|e }}{% endblock %}";
    place.put("acme-1", "phone.tpl", parent);
    let wanted = "\n[a&amp;b\nc]\n<n>a&amp;b\nc</n>\n+a&amp;b\nca&amp;b\nc";
    assert_eq!(main(&place.acme()), wanted);
    // The same when it is called as the predecessor calls it.
    fs::remove_file(place.templates().join("acme-1/phone.tpl")).expect("a file");
    place.put("acme-1", "A1.tpl", &parent.replace("shipped/phone", "base"));
    assert_eq!(main(&place.acme()), wanted);
    assert_eq!(faults(&place.acme()), []);
}

#[test]
fn a_marked_override_is_read_like_what_is_shipped() {
    let place = Place::new();
    place.ship(&ACME);
    let (_, shipped) = ACME[0];
    place.put("acme-1", "phone.tpl", &format!("{{# ringboot #}}\n{shipped}{{{{ lines[0].n }}}}"));
    let plugins = place.acme();
    let made = text(&plugins, "acme-1", "A1", "37.cfg");
    assert_eq!(made, "<part>a&amp;b\nc</part>\n<n>a&amp;b\nc</n>\n1");
    assert_eq!(faults(&plugins), []);
    place.put("acme-1", "phone.tpl", "\n{{ lines[0].n }}");
    let said = faults(&place.acme());
    assert!(said[0].3.starts_with("lines is a name of ringboot's"), "{said:?}");
    assert_eq!((said.len(), said[0].0, said[0].2), (1, false, 2));
}

#[test]
fn mistakes_are_told_and_leave_what_is_shipped() {
    let place = Place::new();
    place.ship(&ACME);
    for (name, text) in [
        ("phone.tpl", "a\n{% if %}\n"),
        ("part.tpl", "\n\n{% include 'gone.tpl' %}"),
        ("A1.tpl", "{% extends 'part2.tpl' %}"),
        ("part2.tpl", "{% extends 'part2.tpl' %}"),
        ("A2.tpl", "{% extends 'shipped/phone.tpl' %}\n{% block other %}{% endblock %}"),
        ("typo.tpl", "{{ XX_fkeys }}"),
        ("words.tpl", "{{ x|int }}\n{% block b %}{{ x|urlise }}{{ x is oddly }}{% endblock %}"),
    ] {
        place.put("acme-1", name, text);
    }
    place.put("acme-2", "base.tpl", "");
    place.write("templates/acme-1/common/base.tpl", "");
    fs::write(place.templates().join("acme-1/extra.tpl"), b"\xff").expect("a file");
    let plugins = place.acme();
    let shipped = "<part>a&amp;b\nc</part>\n<n>a&amp;b\nc</n>\n";
    assert_eq!(text(&plugins, "acme-1", "A1", "37.cfg"), shipped);
    assert_eq!(text(&plugins, "acme-1", "A2", "37.cfg"), shipped);
    assert_eq!(text(&plugins, "acme-1", "A2", "-extra.cfg"), "extra");
    let told: Vec<_> = faults(&plugins);
    let short = told.iter().map(|(broken, file, line, _)| (*broken, &**file, *line));
    let wanted = [
        (false, "acme-2", 1),
        (true, "A1.tpl", 1),
        (false, "A2.tpl", 2),
        (false, "common", 1),
        (true, "extra.tpl", 1),
        (true, "part.tpl", 3),
        (true, "part2.tpl", 1),
        (true, "phone.tpl", 2),
        (false, "typo.tpl", 1),
        (false, "typo.tpl", 1),
        (true, "words.tpl", 2),
        (true, "words.tpl", 2),
    ];
    assert_eq!(short.collect::<Vec<_>>(), wanted, "{told:#?}");
    assert!(told[6].3.contains("\"shipped/part2.tpl\""), "{told:#?}");
}

#[test]
fn one_that_fails_on_a_phone_leaves_what_is_shipped() {
    let place = Place::new();
    place.ship(&ACME);
    place.put("acme-1", "base.tpl", "\n{{ X_n.no_method() }}");
    let plugins = place.acme();
    assert_eq!(faults(&plugins), []);
    let rendered = made(&plugins, "acme-1", "A1", "37.cfg");
    assert_eq!(&rendered.bytes[..], b"<part>a&amp;b\nc</part>\n<n>a&amp;b\nc</n>\n");
    let reason = rendered.failed_override.expect("a reason");
    assert!(reason.contains("no_method") && reason.contains("base.tpl:2"), "{reason}");
    // Nor does one that takes itself in again and again.
    place.put("acme-1", "base.tpl", "{% include 'base.tpl' %}");
    assert!(made(&place.acme(), "acme-1", "A1", "37.cfg").failed_override.is_some());
}

#[test]
fn a_change_of_what_an_override_replaced_is_told_until_it_is_accepted() {
    let place = Place::new();
    place.ship(&ACME);
    let mine = place.templates().join("acme-1");
    place.put("acme-1", "base.tpl", "mine");
    place.put("acme-1", "own.tpl", "{# nobody's #}");
    let told = || -> Vec<String> {
        let plugins = place.acme();
        let overrides = plugins.release("acme-1").and_then(|release| release.overrides());
        let told = overrides.map(super::Overrides::compare_originals).unwrap_or_default();
        told.iter().map(ToString::to_string).collect()
    };
    assert_eq!(told(), [""; 0]);
    let copy = mine.join(".originals/base.tpl");
    assert_eq!(fs::read_to_string(&copy).expect("a copy"), ACME[0].1);
    assert_eq!(fs::read_dir(mine.join(".originals")).expect("a folder").count(), 1);
    // The override itself may change as it likes.
    place.put("acme-1", "base.tpl", "mine, {% if %}");
    assert_eq!(told(), [""; 0]);
    place.ship(&[("phone.tpl", "new")]);
    for _ in 0..2 {
        let told = told();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("base.tpl:1: the shipped phone.tpl has changed"), "{told:?}");
        assert!(told[0].ends_with("ringboot check --accept acme-1/base.tpl"), "{told:?}");
    }
    let plugins = place.acme();
    let overrides = plugins.release("acme-1").and_then(|release| release.overrides());
    let overrides = overrides.expect("overrides");
    assert!(overrides.accept("base.tpl").expect("a copy"));
    assert!(!overrides.accept("other.tpl").expect("no such override"));
    assert_eq!(told(), [""; 0]);
    // A copy that is deleted is made anew, and one without its override goes.
    fs::remove_file(&copy).expect("a copy");
    assert_eq!(told(), [""; 0]);
    assert_eq!(fs::read_to_string(&copy).expect("a copy"), "new");
    fs::remove_file(mine.join("base.tpl")).expect("an override");
    assert_eq!(told(), [""; 0]);
    assert!(!copy.exists());
}
