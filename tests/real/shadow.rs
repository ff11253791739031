//! The server that is to be replaced is asked what phones ask here, and each difference is told.

use crate::http::Client;
use crate::phones::stock_configs;
use crate::server::{Place, Server, eventually};
use crate::tftp;
use ringboot::time::Duration;
use serde_json::Value;
use std::fs;

const AGENT: &str = "Aastra6731i MAC:00-08-5D-23-00-01 V:3.3.1.4365-SIP";
const OWN: &str = "/Aastra/00085D230001.cfg";

#[test]
fn differences_are_told_by_kind_and_phones_are_served() {
    let (old, new) = (Place::new("shadow-old"), Place::new("shadow-new"));
    for place in [&old, &new] {
        assert!(place.import(stock_configs()).status.success());
    }
    let url = ["--advertised-url", "http://192.0.2.1:8667"];
    // The old one has an administrator's template for one model.
    let folder = old.folder.join("data/templates/wazo-aastra-3.3.1-SP4");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("6739i.tpl"), "secret: here\n").unwrap();
    let proxies = old.folder.join("proxies.toml");
    fs::write(&proxies, "[proxy]\ncount = 1\ntrusted = [\"127.0.0.1\"]\n").unwrap();
    let mut serving = old.serving("epoll");
    let asked = Server::start(serving.args(url).arg("--config").arg(&proxies));
    let report = new.folder.join("report.jsonl");
    let peer = [format!("http://{}", old.http), old.tftp.to_string()];
    let mut command = new.command("shadow");
    command.args(["--http", &new.http.to_string(), "--tftp", &new.tftp.to_string()]);
    command.args(["--rest", "", "--driver", "epoll"]).args(url);
    command.args(["--peer", &peer[0], "--peer-tftp", &peer[1]]).arg("--report").arg(&report);
    let mut server = Server::start(&mut command);

    let mut phone = Client::connect(new.http, [127, 0, 0, 1]).unwrap();
    assert_eq!(phone.get(OWN, AGENT).unwrap().status, 200);
    assert_eq!(phone.get("/nothing.cfg", AGENT).unwrap().status, 404);
    let other = AGENT.replace("6731i", "6739i").replace("23-00-01", "23-00-02");
    assert_eq!(phone.get("/Aastra/00085D230002.cfg", &other).unwrap().status, 200);
    assert!(tftp::fetch(new.tftp, [127, 0, 0, 1], "nothing.at.all").is_err());
    let lines = eventually(Duration::from_secs(20), || {
        server.signal("USR1");
        let text = fs::read_to_string(&report).unwrap_or_default();
        let is_all = server.log().contains("4 requests compared, 0 left out");
        is_all
            .then(|| text.lines().map(|l| serde_json::from_str(l).unwrap()).collect::<Vec<Value>>())
    });
    let [line] = &lines[..] else { panic!("{lines:#?}") };
    let of = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (of("kind"), of("path")),
        ("another file".into(), "/Aastra/00085D230002.cfg".into())
    );
    assert_eq!((of("plugin"), of("ip")), ("wazo-aastra-3.3.1-SP4".into(), "127.0.0.1".into()));
    assert_eq!((&line["bytes_there"], &line["line"]), (&Value::from(12), &Value::from(1)));
    assert!(!line.to_string().contains("secret"), "only where it is asked for: {line}");

    // One that is gone costs a phone nothing.
    asked.kill();
    assert_eq!(phone.get(OWN, AGENT).unwrap().status, 200);
    eventually(Duration::from_secs(20), || {
        fs::read_to_string(&report).unwrap().contains("no answer there").then_some(())
    });
    server.signal("TERM");
    assert!(server.end().0.success());
}
