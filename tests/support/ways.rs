//! The ways in which a Restate can turn bad, and what is to be said of each.

use quarterdeck::domain::text::is_hidden;

use super::fake_restate::{FakeRestate, Kind};
use super::hostile::{Behaviour, Reply};

/// A secret that may show nowhere: the bearer of every source.
pub const CANARY: &str = "canary-5f1d2c";

/// One way to turn bad.
pub struct Case {
    /// What it is called.
    pub name: &'static str,
    /// What the server does.
    pub behaviour: Bad,
    /// What the error must say; one of these is enough where it depends on how far an answer came.
    pub says: &'static [&'static str],
    /// How long a request may take.
    pub timeout: &'static str,
}

pub enum Bad {
    /// To whatever is asked.
    Always(Behaviour),
    /// To questions of one kind, so that the pass fails in the middle.
    For(Kind, Behaviour),
    /// It listens no more.
    Gone,
}

/// One that shows itself at once.
fn case(name: &'static str, behaviour: Bad, says: &'static [&'static str]) -> Case {
    Case { name, behaviour, says, timeout: "30s" }
}

/// One that only the deadline ends.
fn late(name: &'static str, behaviour: Bad, says: &'static [&'static str]) -> Case {
    // What is good before it must be in time on a busy machine, too.
    let timeout = if matches!(behaviour, Bad::For(..)) { "2s" } else { "700ms" };
    Case { name, behaviour, says, timeout }
}

/// Every way.
pub fn cases() -> Vec<Case> {
    use Bad::{Always, For, Gone};
    use Behaviour as B;
    let text = |kind, body: &str| B::Answers(Reply::new(200, kind, body));
    let json = |body: &str| text("application/json", body);
    let mut cases = vec![
        case("refused", Gone, &["connection refused: nothing listens at 127.0.0.1:"]),
        late("silent", Always(B::Silent), &["/version: no answer within 700 ms"]),
        case("close", Always(B::Close), &["closed the connection before it answered"]),
        case("not http", Always(B::NotHttp), &["no readable HTTP answer"]),
        case("401", Always(B::Unauthorized), &["refused (401)", "Missing or invalid token"]),
        case("404 json", Always(B::NotFoundJson), &["404 at /version: is this the URL of a Restate admin API"]),
        case("404 html", Always(B::NotFoundHtml), &["404 at /version: is this the URL of a Restate admin API"]),
        case("500 html", Always(B::ErrorHtml), &["the server failed (500)"]),
        case("200 html", Always(B::Html), &["the answer is not JSON: it is text/html", "Restate admin API"]),
        case("wrong kind", Always(B::WrongKind), &["the answer is not JSON: it is text/plain"]),
        case("empty", Always(B::Empty), &["/version: the answer is empty"]),
        case("cut length", Always(B::CutLength), &["the answer broke off after"]),
        case("cut chunk", Always(B::CutChunk), &["the answer broke off after"]),
        case("cut quietly", Always(B::CutQuietly), &["the answer broke off after", "at line 1 column"]),
        case("not json", Always(B::NotJson), &["malformed JSON", "at line 1 column"]),
        case("deep", Always(B::Deep(100_000)), &["at line 1 column"]),
        late("stall", Always(B::Stall), &["no whole answer within 700 ms"]),
        late("slow head", Always(B::SlowHead), &["no answer within 700 ms"]),
        late("slow body", Always(B::SlowBody), &["no whole answer within 700 ms"]),
        case("header flood", Always(B::HeaderFlood), &["header is too large"]),
        case("redirect", Always(B::Redirect(307, "http://127.0.0.1:9/".into())), &["redirected (307)", "not followed"]),
        case("429", Always(B::TooMany("30".into())), &["refused (429): asked too often; it asks to wait: 30"]),
        case("wrong types", Always(B::WrongTypes), &["missing field `version`", "at line 1 column"]),
        case("an error in JSON", Always(json(r#"{"message":"no"}"#)), &["missing field `version`"]),
        // Good until half of the pass is over: nothing of it may be taken.
        late("silent at the clock", For(Kind::Clock, B::Silent), &["/query: no answer within 2 s"]),
        case("no clock", For(Kind::Clock, B::Answers(Reply::rows(&[]))), &["does not tell its time"]),
        case(
            "garbage for a clock",
            For(Kind::Clock, json(r#"{"rows":[{"now":"noon"}]}"#)),
            &["does not tell its time"],
        ),
        case("null rows", For(Kind::Counts, json(r#"{"rows":null}"#)), &["invalid type: null", "Restate admin API"]),
        case("no rows", For(Kind::Counts, json("{}")), &["missing field `rows`", "Restate admin API"]),
        case("rows twice", For(Kind::Counts, json(r#"{"rows":[],"rows":[]}"#)), &["duplicate field `rows`"]),
        case("a bad count", For(Kind::Counts, B::WrongTypes), &["row 1 can't be read: "]),
        case("cut at the rows", For(Kind::Rows, B::CutLength), &["the answer broke off after"]),
        case("500 at the rows", For(Kind::Rows, B::ErrorHtml), &["/query: the server failed (500)"]),
        late("stall at the rows", For(Kind::Rows, B::Stall), &["/query: no whole answer within 2 s: 9 bytes came"]),
        late("slow rows", For(Kind::Rows, B::SlowBody), &["/query: no whole answer within 2 s"]),
        late("endless rows", For(Kind::Rows, B::Endless), &["no whole answer within", "larger than 128 MiB"]),
        case("an array", For(Kind::Rows, json("[1]")), &["the answer is not what was due"]),
        case("endless", Always(B::Endless), &["/version: the answer is larger than 1 MiB"]),
        case("200 MB", Always(B::Huge(200_000_000)), &["/version: the answer is larger than 1 MiB"]),
        case("gzip bomb", Always(B::GzipBomb(1024)), &["/version: the answer is larger than 1 MiB"]),
        case("200 MB of rows", For(Kind::Rows, B::Huge(200_000_000)), &["/query: the answer is larger than 128 MiB"]),
    ];
    // Two bytes a row, and a thousand times that in memory.
    let tiny = format!("{{\"rows\":[{}0]}}", "0,".repeat(100_000));
    cases.push(case("too many rows", For(Kind::Rows, json(&tiny)), &["more than 20000 rows"]));
    cases
}

impl Case {
    /// Makes a server bad.
    pub fn begin(&self, server: &mut FakeRestate) {
        match &self.behaviour {
            Bad::Always(behaviour) => server.behave(behaviour.clone()),
            Bad::For(kind, behaviour) => server.behave_for(*kind, behaviour.clone()),
            Bad::Gone => server.vanish(),
        }
    }

    /// Makes it good again.
    pub fn end(&self, server: &mut FakeRestate) {
        server.be_good();
        if matches!(self.behaviour, Bad::Gone) {
            server.come_back();
        }
    }

    /// Whether an error names what is wrong.
    pub fn says_so(&self, error: &str) -> bool {
        // How far a body comes before the deadline depends on the machine.
        if matches!(self.behaviour, Bad::For(Kind::Rows, Behaviour::Endless)) {
            self.says.iter().any(|words| error.contains(words))
        } else {
            self.says.iter().all(|words| error.contains(words))
        }
    }

    /// Whether an error tells what is wrong, in one line of plain words, and nothing that is nobody's business.
    #[track_caller]
    pub fn is_told(&self, error: &str) {
        let name = self.name;
        assert!(self.says_so(error), "{name}: {error}");
        assert!(!error.contains(CANARY) && !error.chars().any(is_hidden), "{name}: {error}");
        assert!(error.chars().count() < 620, "{name}: {error}");
    }
}

/// The cases that keep a processor busy, or all others.
pub fn cases_that(are_heavy: bool) -> Vec<Case> {
    let heavy = |case: &Case| ["endless", "200 MB", "bomb", "flood"].iter().any(|part| case.name.contains(part));
    cases().into_iter().filter(|case| heavy(case) == are_heavy).collect()
}
