use jiff::SignedDuration;

use super::*;
use crate::config::{Config, ConfigError};

const BEGIN: &str = "[[source]]\nname = \"api\"\nkind = \"rest\"\nurl = \"http://127.0.0.1:9/api\"\n";

fn read(text: &str) -> Result<Arc<RestSetting>, Vec<String>> {
    match Config::parse(&format!("{BEGIN}{text}"), "config.toml", None) {
        Ok(config) => Ok(config.context.sources[0].rest.clone().unwrap()),
        Err(ConfigError::Invalid(wrong)) => Err(wrong.iter().map(ToString::to_string).collect()),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn the_smallest_request_has_usual_values() {
    let setting = read("[[source.request]]\npath = \"/tenants?select=*\"\ntenants = \"{id, name}\"").unwrap();
    let [request] = &setting.requests[..] else { panic!("{setting:?}") };
    assert_eq!((request.name.as_str(), request.post, &request.paging), ("tenants", false, &Paging::None));
    assert_eq!((request.items.names().len(), request.look_back), (0, SignedDuration::from_hours(24)));
    assert!(setting.yields(Yields::Tenants) && !setting.yields(Yields::Flows) && !request.since());
}

#[test]
fn everything_that_can_be_said_is_read() {
    let setting = read(
        r#"
        headers = { "x-api-version" = "2" }
        [[source.request]]
        name = "jobs"
        method = "POST"
        path = "/jobs/search"
        body = '{ "open": true }'
        headers = { prefer = "count=exact" }
        paging = { cursor = "after", from = ".meta.next", limit = "n", size = 50 }
        most_pages = 3
        items = ".data.jobs[]"
        conditional = false
        one = "/jobs/{id}"
        flows = '''
          { id: (.id | tostring), flow: .kind,
            step: .step, status: "running" }
        '''
        [[source.request]]
        path = "/changes?at=gt.{since}"
        look_back = "2h"
        past = "/changes?tenant=eq.{tenant}&at=lt.{before}&limit={limit}"
        events = "{id, type: .what, time: .at}"
        paging = { link = true }
        [[source.verb]]
        name = "resume"
        path = "/jobs/{id}/retry"
        headers = { "idempotency-key" = "{key}" }
        body = "{by: .key}"
        done = [200]
        refused = ".error"
        when = ["failed", "paused"]
        effect = "the job is begun again"
        "#,
    )
    .unwrap();
    let (jobs, changes) = (&setting.requests[0], &setting.requests[1]);
    let cursor = Paging::Cursor {
        cursor: "after".to_owned(),
        from: Trail::read(".meta.next").unwrap(),
        size: Some(("n".to_owned(), 50)),
    };
    assert_eq!((&jobs.paging, jobs.most_pages, jobs.post, jobs.conditional), (&cursor, 3, true, false));
    assert_eq!(jobs.items.to_string(), ".data.jobs");
    assert_eq!((&changes.paging, changes.since(), changes.name.as_str()), (&Paging::Link, true, "changes"));
    let verb = &setting.verbs[0];
    assert_eq!((verb.verb, verb.method.as_str()), (Verb::Resume, "POST"));
    assert_eq!((&verb.answers.accepted[..], &verb.answers.done[..]), (&[201, 202, 204][..], &[200][..]));
    assert_eq!(verb.when, [Status::Failed, Status::Paused]);
    let place = jobs.programs[0].place.wrong(jobs.programs[0].program.text().find("step:").unwrap(), "here");
    assert_eq!(place.to_string(), "config.toml:20:13: here");
}

#[test]
fn what_is_wrong_is_told_at_its_place() {
    let request = |more: &str| format!("[[source.request]]\npath = \"/a\"\n{more}");
    for (text, wrong) in [
        (String::new(), "needs a request"),
        ("[[source.request]]\ntenants = \".\"".to_owned(), "needs a \"path\""),
        (request(""), "needs a program"),
        (request("tenants = \"{id\""), "config.toml:7:15: the jq program \"tenants\": expected closing brace"),
        (request("tenants = \"{id: nonsense}\""), "config.toml:7:17: the jq program \"tenants\": nonsense/0"),
        (request("tenants = \"repeat(.)\""), "repeat/1 is not to be had"),
        (request("tennants = \".\""), "did you mean \"tenants\"?"),
        (request("tenants = \".\"\npaging = { offset = \"o\", cursor = \"c\" }"), "\"paging\" is one of"),
        (
            request("tenants = \".\"\npaging = { offset = \"o\", from = \".a\" }"),
            "\"from\" does not go with \"offset\"",
        ),
        (request("tenants = \".\"\npaging = { offset = \"o\", size = 5 }"), "\"size\" needs \"limit\""),
        (request("tenants = \".\"\npaging = { cursor = \"o\" }"), "\"from\" is where in the answer"),
        (request("tenants = \".\"\npaging = { offset = \"o&x=1\" }"), "name of a parameter"),
        (request("tenants = \".\"\nitems = \".a | .b\""), "is a path such as .data.items"),
        (request("tenants = \".\"\nbody = \"{}\""), "goes with method = \"POST\""),
        (request("tenants = \".\"\nmethod = \"POST\"\nbody = \"{\""), "\"body\" is no JSON"),
        (request("tenants = \".\"\nmethod = \"DELETE\""), "a \"POST\" that only asks"),
        (request("tenants = \".\"\none = \"/a/{id}\""), "\"one\" goes with \"flows\""),
        (request("flows = \".\"\none = \"/a\""), "\"one\" needs {id}"),
        (
            request("tenants = \".\"\nheaders = { \"X-Api-Key\" = \"hunter2\" }"),
            "a secret does not belong in this file",
        ),
        (
            "[[source.request]]\npath = \"/a?x={since}\"\ntenants = \".\"".to_owned(),
            "{since} goes with \"events\" alone",
        ),
        (
            "[[source.request]]\npath = \"/a?x={now}\"\nevents = \".\"".to_owned(),
            "only {since}, {since_unix} may stand",
        ),
        ("[[source.request]]\npath = \"a\"\nevents = \".\"".to_owned(), "begins with a slash"),
        (request("events = \".\"\n[[source.request]]\npath = \"/a\"\nevents = \".\""), "a second request \"a\""),
        (request("flows = \".\"\n[[source.verb]]\nname = \"retry\"\npath = \"/{id}\""), "unknown verb \"retry\""),
        (request("flows = \".\"\n[[source.verb]]\nname = \"kill\"\npath = \"/x\""), "needs {id}"),
        (
            request(
                "flows = \".\"\n[[source.verb]]\nname = \"kill\"\npath = \"/{id}\"\ndone = [200]\ngone = [200]\naccepted = [200]",
            ),
            "can't mean two things",
        ),
        (
            request("flows = \".\"\n[[source.verb]]\nname = \"kill\"\npath = \"/{id}\"\ndone = [\"ok\"]"),
            "a list of HTTP statuses",
        ),
    ] {
        let told = read(&text).err().unwrap_or_else(|| panic!("taken: {text}"));
        assert!(told.iter().any(|told| told.contains(wrong)), "{text}\n{told:#?}");
        assert!(!told.iter().any(|told| told.contains("hunter2")), "{told:#?}");
    }
    let other = "[[source]]\nname = \"a\"\nkind = \"restate\"\nurl = \"http://a\"\n[[source.request]]\npath = \"/a\"";
    let told = Config::parse(other, "config.toml", None).unwrap_err().to_string();
    assert!(told.contains("only a source of the kind \"rest\" has \"request\""), "{told}");
}
