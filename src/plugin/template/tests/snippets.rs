//! One expression or construct a line, run by both engines over the same settings.

use super::Count;
use crate::device::Document;
use crate::plugin::files::Entry;
use crate::plugin::manifest::Escape;
use crate::plugin::render::{Given, Sources, Templates};
use serde_json::json;
use std::collections::HashMap;
use std::path::PathBuf;

/// Settings that have a value of every kind.
fn settings() -> Document {
    super::mutate::object(
        r#"{"text":"Zoë <b> & \"q\" 'a'\r\n\tend","empty":"","null":null,"yes":true,"no":false,
        "zero":0,"one":1,"ten":10,"minus":-7,"big":18446744073709551615,"half":0.5,"whole":2.0,
        "list":[3,1,2],"mixed":["b",null,1,true,{"k":"v"},[1]],"nothing":[],"object":{},
        "map":{"b":1,"a":{"c":"deep"},"10":"x","2":"y","1":"z"},"number":"42","padded":"  p ",
        "wide":{"1":"a","2":"b","3":"c","4":"d","5":"e","6":"f","7":"g","8":"h","9":"i","10":"j"},
        "ip":"192.0.2.1","http_port":8667,"timezone":"Europe/Paris","locale":"fr_FR",
        "X_xivo_phonebook_ip":"192.0.2.30","X_xivo_user_uuid":"u-u","sip_proxy_ip":"192.0.2.20",
        "sip_lines":{"2":{"username":"b","proxy_ip":null,"n":7},"1":{"username":"a",
        "proxy_ip":"192.0.2.9"},"x":{},"3":5},"funckeys":{"1":{"type":"blf","value":"1"}}}"#,
    )
}

const NAMES: &[&str] = &[
    "text",
    "empty",
    "null",
    "yes",
    "no",
    "zero",
    "one",
    "ten",
    "minus",
    "big",
    "half",
    "whole",
    "list",
    "mixed",
    "nothing",
    "object",
    "map",
    "number",
    "padded",
    "wide",
    "missing",
    "lines",
    "tz",
    "device",
    "model",
    "data",
    "range(3)",
    "map|items",
    "'x'|safe",
    "list[1:]",
    "namespace(a=1)",
    "zone",
];

fn compare_all(templates: impl Iterator<Item = String>, escape: Escape) -> Count {
    let sources: Sources = templates
        .enumerate()
        .map(|(number, text)| (format!("{number}.tpl"), (PathBuf::new(), text)))
        .collect();
    let templates = Templates::compile(&sources, &[], &HashMap::new(), escape);
    let templates = templates.unwrap_or_else(|errors| panic!("{errors:?}"));
    let (data, raw) = (json!({"t": {"a": [1, 2]}, "n": 3}), settings());
    let entry = Entry { json: json!({"version": "1.0", "keys": 4}), ..Entry::default() };
    let model = Some(("M1", &entry));
    let given = Given { device: None, model, plugin: "p-1", data: &data, raw: &raw };
    let mut count = Count::default();
    for (name, (_, text)) in &sources {
        if templates.program(name, &given).is_err_and(|error| error.is_err()) {
            *count.slow.entry("no program".to_owned()).or_default() += 1;
            continue;
        }
        let compare = || count_one(&templates, name, &given);
        let one = std::panic::catch_unwind(std::panic::AssertUnwindSafe(compare));
        let one = one.unwrap_or_else(|_| panic!("{text}"));
        count.same += one.same;
        count.failed += one.failed;
        for (why, number) in one.slow {
            *count.slow.entry(why).or_default() += number;
        }
    }
    count
}

fn count_one(templates: &Templates, name: &str, given: &Given<'_>) -> Count {
    let mut count = Count::default();
    count.compare(templates, name, given);
    count
}

#[test]
fn operators_on_every_pair_of_kinds() {
    const OPERATORS: &[&str] = &[
        "+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in",
        "and", "or",
    ];
    let mut templates = Vec::new();
    for left in NAMES {
        for right in NAMES {
            for operator in OPERATORS {
                // So many times a list is more than the reference engine can count.
                if *operator == "*" && [left, right].contains(&&"big") {
                    continue;
                }
                templates.push(format!("{{{{ ({left}) {operator} ({right}) }}}}"));
            }
            templates.push(format!("{{{{ ({left})[{right}] }}}}"));
            templates.push(format!("{{{{ ({left})[:{right}] }}}}|{{{{ ({left})[{right}:] }}}}"));
            templates.push(format!("{{{{ ({left}) if ({right}) else 'other' }}}}"));
            templates.push(format!("{{{{ ({left})|default({right}, true) }}}}"));
        }
    }
    let count = compare_all(templates.into_iter(), Escape::Xml);
    println!("{count:?}");
    assert!(count.same > 5000);
}

/// What follows a value.
const AFTER: &[&str] = &[
    "",
    "|default('d')",
    "|items",
    "|items|list",
    "|list",
    "|first",
    "|last",
    "|length",
    "|string",
    "|int",
    "|abs",
    "|trim",
    "|upper",
    "|lower",
    "|replace('1', '&')",
    "|min",
    "|max",
    "|numsort",
    "|strsort",
    "|zfill(5)",
    "|mac",
    "|e",
    "|xml",
    "|line",
    "|safe",
    "|select|list",
    "|selectattr('k')|list",
    "|selectattr('n', 'eq', 1)|list",
    "|map(attribute='username')|list",
    "|map('upper')|join('-')",
    "|join(',')",
    "|join(',')|e",
    "|sort|join('<')",
    "|title",
    "|capitalize",
    "|round",
    "|float",
    "|bool",
    "|hex",
    "|sum",
    "|unique|list",
    "|reverse|list",
    "|split|list",
    "|dictsort",
    "|batch(2)",
    " is defined",
    " is none",
    " is string",
    " is number",
    " is mapping",
    " is sequence",
    " is iterable",
    " is true",
    " is odd",
    " is divisibleby(2)",
    " is eq(1)",
    " is in([1, 2])",
    " is startingwith('Z')",
    " is integer",
    " is float",
    " is safe",
    " is boolean",
    ".get('a')",
    ".get('nope', 3)",
    ".items()|list",
    ".keys()|list",
    ".values()|list",
    ".split('o')",
    ".strip()",
    ".startswith('Z')",
    ".isdigit()",
    ".upper()",
    ".replace('o', 'O')",
    ".a",
    ".a.c",
    ".nope",
    "[0]",
    "[-1]",
    "['a']",
    "[1:]",
    "[:-1]",
    "[::2]",
    " ~ 'x' ~ 1 ~ none ~ true",
];

#[test]
fn filters_tests_and_methods_on_every_kind() {
    let mut templates = Vec::new();
    for name in NAMES {
        for after in AFTER {
            templates.push(format!("{{{{ ({name}){after} }}}}"));
            templates
                .push(format!("{{% set v = ({name}){after} %}}{{{{ v is string }}}}{{{{ v }}}}"));
        }
        templates.push(format!(
            "{{% for i in {name} %}}{{{{ loop.index }}}}{{{{ i }}}}{{% else %}}-{{% endfor %}}"
        ));
        templates.push(format!(
            "{{% for i in {name} %}}{{{{ loop.last }}}}{{{{ loop.length }}}}\
            {{{{ loop.revindex }}}}{{{{ loop.previtem }}}}{{% endfor %}}"
        ));
        templates.push(format!("{{% for a, b in {name} %}}{{{{ a }}}}{{{{ b }}}}{{% endfor %}}"));
        templates.push(format!("{{{{ not {name} }}}}{{{{ -({name}) }}}}"));
        templates.push(format!("{{{{ {name} }}}}"));
    }
    for escape in [Escape::Line, Escape::Xml, Escape::None] {
        let count = compare_all(templates.iter().cloned(), escape);
        println!("{count:?}");
        assert!(count.same > 1000);
    }
}

/// Scopes, macros and what templates do to each other.
const CONSTRUCTS: &[&str] = &[
    "{% set a = 1 %}{% for i in list %}{% set a = a + i %}{{ a }}{% endfor %}{{ a }}",
    "{% for i in list %}{% if loop.first %}{% set b = i %}{% endif %}{{ b }};{% endfor %}{{ b }}",
    "{% if one %}{% set c = 5 %}{% endif %}{{ c }}{% if zero %}{% set c = 6 %}{% endif %}{{ c }}",
    "{% set text = text|upper %}{{ text }}{% with text = 'w', x = text %}{{ text }}{{ x }}\
        {% endwith %}{{ text }}",
    "{% macro m(a, b=2, c=a) %}{{ a }}/{{ b }}/{{ c }};{% endmacro %}{{ m(1) }}{{ m(1, c=3) }}\
        {{ m() }}{{ m(b=1, a='<') }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(z=2) }}",
    "{% macro m(a) %}<{{ a }}>{% endmacro %}{{ m('<') ~ '<' }}{{ m('&')|upper }}\
        {% set x = m('\"') %}{{ x }}{{ x is safe }}",
    "{% set v = 1 %}{% macro m() %}{{ v }}{% endmacro %}{{ m() }}{% set v = 2 %}{{ m() }}",
    "{% macro m() %}{{ v }}{% endmacro %}{{ m() }}{% set v = 2 %}{{ m() }}",
    "{% macro m() %}{% set text = text ~ '!' %}{{ text }}{% endmacro %}{{ m() }}{{ text }}",
    "{% set text = 'own' %}{% macro m() %}{% set text = text ~ '!' %}{{ text }}{% endmacro %}\
        {{ m() }}",
    "{% macro m() %}{{ text[:2] }}{% endmacro %}{{ m() }}",
    "{% set text = 'own' %}{% macro m() %}{{ text[:2] }}{% endmacro %}{{ m() }}",
    "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}",
    "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(5) }}",
    "{% macro a() %}A{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}",
    "{% macro b() %}B{% endmacro %}{% macro a() %}A{{ b() }}{% endmacro %}{{ a() }}",
    "{% for i in list %}{% with %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endwith %}\
        {% endfor %}",
    "{% for i in list %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}",
    "{% macro m() %}{{ loop }}{% endmacro %}{% for i in list %}{{ m() }}{% endfor %}",
    "{% set ns = namespace(n=0, l='') %}{% for i in list %}{% set ns.n = ns.n + i %}\
        {% set ns.l = ns.l ~ i %}{% endfor %}{{ ns.n }}{{ ns.l }}{{ ns.x }}",
    "{% set ns = namespace() %}{% set ns.m = 1 %}{{ ns.m }}{{ ns['m'] }}{{ ns }}",
    "{% set map.b = 2 %}{{ map.b }}",
    "{% set a, b = [1, 2] %}{{ a }}{{ b }}{% set a, b = [1] %}",
    "{% set x %}<{{ text }}>{% endset %}{{ x }}{{ x|length }}",
    "{% set x | upper %}abc{% endset %}{{ x }}",
    "{% filter upper %}abc{% endfilter %}",
    "{% autoescape false %}{{ text }}{% endautoescape %}{{ text }}",
    "{% for i in list if i > 1 %}{{ loop.index }}/{{ loop.length }}:{{ i }}\
        {{ loop.last }} {% else %}none{% endfor %}",
    "{% for i in list if i > 9 %}{{ i }}{% else %}none{% endfor %}",
    "{% for i in list recursive %}{{ i }}{% endfor %}",
    "{% for i in range(1, 4) %}{{ i }}{{ loop.index0 }}{% endfor %}{{ range(2, 5)|list }}\
        {{ range(5, 2)|list }}{{ range(0, 9, 3)|list }}",
    "{% for i in range(100001) %}{{ i }}{% endfor %}",
    "{% for k, v in map|numsort %}{{ k }}={{ v }};{% endfor %}{% for k, v in map|strsort %}\
        {{ k }}={{ v }};{% endfor %}{% for k in map %}{{ k }}{% endfor %}",
    "{% for l in lines %}{{ l.n }}{{ l.username }}{{ l.proxy_ip }}{{ l.registrar_ip }}{{ l }}\
        {% endfor %}",
    "{{ lines|selectattr('n', 'eq', 2)|first }}{{ lines|map(attribute='n')|list }}\
        {{ (lines|first).username }}",
    "{{ wide['10'] }}{{ wide[10|string] }}{{ wide[one|string] }}{{ wide['11'] }}\
        {{ wide.get('3') }}{{ '4' in wide }}{{ wide|length }}{{ wide }}",
    "{{ {'a': 1, 'b': text}['b'] }}{{ {'a': 1}.a }}{{ {1: 'x'}[1] }}{{ {'a': one, 'a': ten} }}\
        {{ {} }}{{ {'k': list} }}",
    "{{ [1, [2, one]] }}{{ [] }}{{ [text, none, true, 1.5] }}{{ ['a', 'b'][one] }}",
    "{{ 1 < one < 3 }}{{ 1 <= one <= 3 }}{{ 0 < one == 1 }}{{ one not in [2] }}",
    "{{ text is defined and text }}{{ missing or 'or' }}{{ missing and 'and' }}",
    "{{ missing.x }}",
    "{{ missing[0] }}",
    "{{ null.x }}{{ null[0] }}{{ one.x }}{{ text.x }}",
    "{{ missing() }}",
    "{{ text() }}",
    "{{ range }}",
    "{{ super() }}",
    "{% do range(3) %}{% do missing() %}",
    "{{ zone('Europe/Paris').dst.start.month }}{{ zone('x') is none }}{{ zone(5) }}",
    "{{ phonebook_url('v', entry='lookup', prefix='a=1&', suffix='&b') }}\
        {{ phonebook_url('v', nope=1) }}",
    "{{ phonebook_url('v') }}|{{ service_url('v', 'dnd', 'on') }}",
    "{% set X_xivo_user_uuid = 'other' %}{{ phonebook_url('v') }}",
    "{% macro m() %}{{ phonebook_url('v') }}{% endmacro %}{% set X_xivo_user_uuid = 'other' %}\
        {{ m() }}",
    "{% macro m() %}{{ phonebook_url('v') }}{% endmacro %}{{ m() }}",
    "{{ server_url }}{{ server_url_without_scheme }}{{ plugin }}{{ model_name }}\
        {{ model_known }}{{ model.keys }}{{ data.t.a[1] }}{{ tz.offset }}{{ tz }}{{ device }}\
        {{ model }}",
    "{% include 'nope.tpl' ignore missing %}{% include 'nope.tpl' %}",
    "{{ 7 // 2 }}{{ -7 // 2 }}{{ 7 % -3 }}{{ -7 % 3 }}{{ minus // 2 }}{{ minus % 3 }}\
        {{ 9223372036854775807 + one }}{{ one / 0 }}",
    "{{ one // zero }}",
    "{{ minus ** 2 }}",
    "{{ list is sequence }}{{ (list|map(attribute='x')) is sequence }}",
    "{% for i in list %}{{ loop.cycle('a', 'b') }}{{ loop.changed(i) }}{% endfor %}",
    "{% call m() %}x{% endcall %}",
    "{{ '%s-%d'|format('a', 3) }}{{ 'a,b'.split(',')|join('+') }}{{ 'abc'|replace('b', '<') }}",
    "{{ self.x() }}",
    "{% raw %}{{ x }}{% endraw %}{# c #}  {%- if one -%}  a {%- endif +%} b",
];

#[test]
fn constructs() {
    for escape in [Escape::Line, Escape::Xml, Escape::None] {
        let count = compare_all(CONSTRUCTS.iter().map(|text| (*text).to_owned()), escape);
        println!("{count:?}");
        assert!(count.same > 20);
    }
}

/// Templates that name each other: by name, the first is run.
const FAMILIES: &[&[(&str, &str)]] = &[
    &[
        (
            "a.tpl",
            "{% extends 'b.tpl' %}{% set v = 'set' %}{% block x %}[{{ super() }}\
                {{ v }}]{% endblock %}lost{{ text }}",
        ),
        (
            "b.tpl",
            "b{% set v = 'b' %}{% block x %}{{ v }}{% block y %}y{% endblock %}{% endblock %}\
                {{ v }}",
        ),
    ],
    &[
        ("a.tpl", "before{% extends 'b.tpl' %}{% block y %}Y{% endblock %}"),
        (
            "b.tpl",
            "{% extends 'c.tpl' %}{% block x %}B{{ super() }}{% block y %}{% endblock %}\
                {% endblock %}",
        ),
        (
            "c.tpl",
            "{% for i in list %}{% block x %}{{ i }}{{ loop.index }}{% endblock %}{% endfor %}",
        ),
    ],
    &[
        ("a.tpl", "{% set v = 1 %}{% include 'b.tpl' %}{{ v }}{{ w }}"),
        ("b.tpl", "{{ v }}{% set v = 2 %}{% set w = 3 %}"),
    ],
    &[
        ("a.tpl", "{% from 'b.tpl' import m, n as o, nope %}{{ m(1) }}{{ o }}{{ nope }}{{ v }}"),
        (
            "b.tpl",
            "out{% set v = 4 %}{% macro m(a) %}{{ a }}{{ v }}{{ text }}{% endmacro %}\
                {% set n = 5 %}",
        ),
    ],
    &[
        ("a.tpl", "{% import 'b.tpl' as b %}{{ b.m(1) }}{{ b.n }}{{ b.nope }}{{ b.m(1)|upper }}"),
        ("b.tpl", "{% macro m(a) %}<{{ a }}>{% endmacro %}{% set n = '<' %}"),
    ],
    &[
        (
            "a.tpl",
            "{% set v = 1 %}{% macro m() %}{{ v }}{% endmacro %}{% include 'b.tpl' %}{{ m() }}",
        ),
        ("b.tpl", "{% set v = 2 %}{{ m() }}"),
    ],
    &[
        ("a.tpl", "{% set v = 1 %}{% include 'b.tpl' %}{% set v = 3 %}{{ m() }}"),
        ("b.tpl", "{% macro m() %}{{ v }}{% endmacro %}{{ m() }}"),
    ],
    &[
        ("a.tpl", "{% set v = 1 %}{% include 'b.tpl' %}{{ m() }}"),
        ("b.tpl", "{% macro m() %}{{ v }}{% endmacro %}{% set v = 9 %}{{ m() }}"),
    ],
    &[("a.tpl", "{% include 'a.tpl' %}")],
    &[("a.tpl", "{% extends 'a.tpl' %}")],
    &[
        ("a.tpl", "{% for i in list %}{% include 'b.tpl' %}{% endfor %}"),
        ("b.tpl", "{{ x }}{% set x = i %}{{ x }}{{ loop.index }}"),
    ],
    &[("a.tpl", "{% if one %}{% extends 'b.tpl' %}{% endif %}"), ("b.tpl", "b")],
    &[
        (
            "a.tpl",
            "{% extends 'b.tpl' %}{% macro m() %}M{% endmacro %}{% block x %}{{ m() }}\
                {% endblock %}",
        ),
        ("b.tpl", "{% block x required %}{% endblock %}"),
    ],
    &[("a.tpl", "{% extends 'b.tpl' %}"), ("b.tpl", "{% block x required %}{% endblock %}")],
];

#[test]
fn templates_that_name_each_other() {
    let mut count = Count::default();
    for family in FAMILIES {
        let source = |(name, text): &(&str, &str)| {
            ((*name).to_owned(), (PathBuf::new(), (*text).to_owned()))
        };
        let sources: Sources = family.iter().map(source).collect();
        let escapes = HashMap::from([("a.tpl".to_owned(), Escape::Xml)]);
        let templates = Templates::compile(&sources, &[], &escapes, Escape::None);
        let templates = templates.expect("templates");
        let (data, raw) = (json!({}), settings());
        let given = Given { device: None, model: None, plugin: "p", data: &data, raw: &raw };
        for (name, _) in *family {
            if templates.program(name, &given).is_err_and(|error| error.is_err()) {
                *count.slow.entry("no program".to_owned()).or_default() += 1;
                continue;
            }
            count.compare(&templates, name, &given);
        }
    }
    println!("{count:?}");
    assert!(count.same > 10);
}
