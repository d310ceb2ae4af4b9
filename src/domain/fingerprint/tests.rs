use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{fingerprint, fingerprint_of};

#[test]
fn what_differs_is_masked() {
    for (text, expected) in [
        ("invocation inv_1gdJBtdVEcM942bjcDmb1c1khoaJe11Hbz failed", "invocation <id> failed"),
        ("order 550e8400-e29b-41d4-a716-446655440000 is gone", "order <id> is gone"),
        ("commit 4f5e6d7 and 0xdeadBEEF and 507f1f77bcf86cd799439011", "commit <id> and <id> and <id>"),
        ("pod 01HZX3K5QJ8W6Y4V2T0R9P7N5M", "pod <id>"),
        ("failed after 12 attempts, 1,204 rows, 3.5 %", "failed after <n> attempts, <n> rows, <n> %"),
        ("retry in 1m30s", "retry in <n>"),
        ("retry in 850ms", "retry in <n>"),
        ("at 2026-01-15T03:12:07.123Z: no", "at <time>: no"),
        ("at 2026-01-15 03:12:07 UTC: no", "at <time>: no"),
        ("at 2026-01-15 03:12:07+02:00", "at <time>"),
        ("at 03:12:07 no", "at <time> no"),
        ("dial tcp 10.0.3.17:5432: connect: connection refused", "dial tcp <host>: connect: connection refused"),
        ("no route to 10.1.2.0/24", "no route to <host>"),
        ("no route to 2001:db8::8a2e:370:7334", "no route to <host>"),
        ("dial [fe80::1]:9080 and ::1", "dial <host> and ::<n>"),
        ("getaddrinfo ENOTFOUND db-3.eu-west-1.rds.amazonaws.com", "getaddrinfo ENOTFOUND <host>"),
        ("lookup acme.de and acme.example.com:443/a/b?", "lookup <host> and <host>?"),
        ("localhost:9080 refused", "<host> refused"),
        ("GET https://api.acme.com/v1/users/17?x=1: 500.", "GET <url>: <n>."),
        ("(see http://a.b/c)", "(see <url>)"),
        ("no user jo.doe+x@acme.com", "no user <mail>"),
        ("open /var/lib/acme/17.db: no space", "open <path>: no space"),
        ("open ~/acme/x and ../a/b", "open <path> and <path>"),
        ("relation \"tenant_17\" does not exist", "relation \"<name>\" does not exist"),
        (r#"bad "a \" b" here"#, "bad \"<name>\" here"),
        ("key 'acme' and 'it's' and `x`", "key '<name>' and '<name>' and `<name>`"),
        ("['a','b'] ('c')", "['<name>','<name>'] ('<name>')"),
        ("\n\nTimeout\n  at foo (bar.js:1:2)", "Timeout"),
        ("", ""),
    ] {
        assert_eq!(fingerprint(text), *expected, "{text}");
    }
}

#[test]
fn words_stay_words() {
    for text in [
        "can't connect, won't retry, the tenants' quota isn't enough",
        "deadbeef cafe facade decade defaced effaced",
        "user_notfound and rate_exceeded and schema_migration",
        "java.net.ConnectException: Connection refused",
        "java.io.IOException in com.acme.app.Billing",
        "std::io::Error and cafe::add",
        "e.g. failed.retry and i.e. that",
        "and/or either/neither",
        "self.client.send is not a function",
        "a <b> c",
    ] {
        assert_eq!(fingerprint(text), *text);
    }
}

#[test]
fn in_versions_and_names_with_digits_only_the_digits_go() {
    for (text, expected) in [
        ("schema-svc 4.2.1 is too old", "schema-svc <n> is too old"),
        ("python3.12 and utf8 and v1alpha1", "python<n> and utf<n> and v<n>alpha<n>"),
        ("node.js v20.1.0", "node.js v<n>"),
        ("panicked at src/billing/charge.rs:42:7", "panicked at src/billing/charge.rs:<n>:<n>"),
        ("in charge.py:17", "in charge.py:<n>"),
        ("worker-3:8080", "worker-<n>:<n>"),
        ("HTTP 503", "HTTP <n>"),
    ] {
        assert_eq!(fingerprint(text), *expected, "{text}");
    }
}

#[test]
fn different_words_stay_different() {
    let texts = [
        "connection refused by 10.0.0.1:80",
        "connection reset by 10.0.0.1:80",
        "in charge.py:17",
        "in refund.py:17",
        "java.net.ConnectException",
        "java.io.ConnectException",
        "user_notfound",
        "user_notallowed",
    ];
    for (at, a) in texts.iter().enumerate() {
        for b in &texts[at + 1..] {
            assert_ne!(fingerprint(a), fingerprint(b), "{a} and {b}");
        }
    }
}

#[test]
fn an_instances_own_names_are_masked() {
    let acme = fingerprint_of("tenant acme-eu: schema acme_eu of acme-eu is gone", &["acme-eu", "acme"]);
    assert_eq!(acme, *"tenant <key>: schema acme_eu of <key> is gone");
    assert_eq!(fingerprint_of("no host acme.example.com for acme", &["acme"]), *"no host <key>.<host> for <key>");
    assert_eq!(fingerprint_of("get http://acme.example.com/x", &["acme"]), *"get <url>");
    assert_eq!(fingerprint_of("k in db: no k", &["k", "db"]), *"k in <key>: no k", "one letter stands in too much");
    assert_eq!(fingerprint_of("acmeing acme", &["acme"]), *"acmeing <key>");
    assert_eq!(fingerprint("lost 0000d00d after 90d"), *"lost <id> after <n>");
    assert_eq!(fingerprint_of("key acme/x1 of acme", &["acme", "acme/x1"]), *"key <key> of <key>");
    let order = |number: &str| fingerprint_of(&format!("order {number}: 17 attempts"), &[number]);
    assert_eq!(order("17"), order("18"), "a count that happens to equal the key is a count");
    for own in ["key", "host", "name", "<key>"] {
        let once = fingerprint_of("a key 'x' on a.com: acme", &[own, "acme"]);
        assert_eq!(fingerprint_of(&once, &[own, "acme"]), once, "{own}");
    }
}

/// A thing that differs from instance to instance: two examples of one kind.
fn hole() -> impl Strategy<Value = (String, String)> {
    let id = "[a-z]{2,6}_[0-9A-Za-z]{6,20}[0-9][0-9A-Za-z]{1,5}";
    let hex = "[0-9a-f]{3}[0-9][a-f][0-9a-f]{3,30}";
    let uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
    let number = "[1-9][0-9]{0,8}(\\.[0-9]{1,3})?";
    let time = "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?Z";
    let address = "[1-9][0-9]{0,2}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[1-9][0-9]?(:[1-9][0-9]{1,4})?";
    let address6 = "\\[[0-9a-f]{1,4}:[0-9a-f]{1,4}::[0-9a-f]{1,4}\\](:[1-9][0-9]{1,4})?";
    let host = "([a-z][a-z0-9-]{0,8}[a-z0-9]\\.){1,4}(com|net|org|internal|local|de)(:[1-9][0-9]{1,4})?";
    let url = "https?://[a-z][a-z0-9.-]{0,12}[a-z](:[1-9][0-9]{1,4})?(/[a-z0-9_-]{1,8}){0,3}(\\?[a-z]=[0-9a-z]{1,8})?";
    let mail = "[a-z][a-z0-9.+]{0,8}@[a-z]{1,8}\\.[a-z]{2,6}";
    let path = "(/[a-z0-9_.-]{1,8}[a-z0-9]){2,5}";
    let span = "[1-9][0-9]{0,3}(ms|s|m|h)";
    let double = "\"[a-z0-9 ./:_-]{0,16}\"";
    let single = "'[a-z0-9 ./:_-]{0,16}'";
    select(vec![id, hex, uuid, number, time, address, address6, host, url, mail, path, span, double, single])
        .prop_flat_map(|kind| (kind, kind))
}

proptest! {
    #[test]
    fn two_errors_of_one_cause_have_one_fingerprint(
        parts in vec(("(no|can't find|failed at|bad|lost:|of|\\(|=|to)", hole(), "(,|:|;|\\)|)"), 1..5),
    ) {
        let fill = |pick: fn(&(String, String)) -> &String| {
            parts.iter().map(|(word, hole, end)| format!("{word} {}{end}", pick(hole))).collect::<Vec<_>>().join(" ")
        };
        let (a, b) = (fill(|hole| &hole.0), fill(|hole| &hole.1));
        prop_assert_eq!(fingerprint(&a), fingerprint(&b), "{} | {}", a, b);
    }

    #[test]
    fn masking_twice_changes_nothing_more(
        text in prop_oneof![any::<String>(), "[a-f0-9<>:/.@'\"`_ -]{0,40}", "\\PC{0,60}"],
        own in "[a-z][a-z0-9/.-]{1,4}",
    ) {
        let once = fingerprint(&text);
        prop_assert_eq!(fingerprint(&once), once.clone(), "{}", text);
        let once = fingerprint_of(&text, &[&own]);
        prop_assert_eq!(fingerprint_of(&once, &[&own]), once.clone(), "{} without {}", text, own);
    }

    #[test]
    fn words_without_digits_and_signs_are_never_masked(words in vec("[a-zA-Zäöü]{1,12}", 1..8)) {
        let text = words.join(" ");
        prop_assert_eq!(fingerprint(&text).to_string(), text);
    }
}
