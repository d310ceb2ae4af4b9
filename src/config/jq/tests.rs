use proptest::prelude::*;
use serde_json::{Value, json};

use super::{INPUT, LENGTH, Mistake, Program, STACK};

fn given() -> Value {
    json!({
        "source": "restate", "flow": "upgrade-plan/run", "step": "charge", "key": "acme:eu-west/42",
        "input": {"customer": {"id": "acme", "number": 7}, "tags": [{"k": "plan", "v": "gold"}, {"k": "tenant", "v": "globex"}]},
        "state": {"tenant": " initech "}, "headers": {"x-tenant": "umbrella"},
    })
}

fn run(program: &str, given: &Value) -> Result<Option<String>, String> {
    let program = Program::compile(program).unwrap_or_else(|mistake| panic!("{program}: {mistake:?}"));
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || program.run(given)).unwrap();
        thread.join().unwrap()
    })
}

fn refused(program: &str) -> Mistake {
    Program::compile(program).err().unwrap_or_else(|| panic!("{program} was taken"))
}

#[test]
fn programs_tell_the_tenant() {
    for (program, tenant) in [
        (".input.customer.id", Some("acme")),
        (".input.customer.number", Some("7")),
        (".state.tenant", Some("initech")),
        (".headers[\"x-tenant\"]", Some("umbrella")),
        (".key | split(\":\")[0]", Some("acme")),
        (".key | split(\":\") | first", Some("acme")),
        (".key | capture(\"^(?<tenant>[a-z]+):\").tenant", Some("acme")),
        (".key | if test(\"^acme\") then \"A\" else \"B\" end", Some("A")),
        (".key | ltrimstr(\"acme:\") | ascii_upcase", Some("EU-WEST/42")),
        ("first(.input.tags[] | select(.k == \"tenant\") | .v)", Some("globex")),
        ("[.input.tags[] | select(.k == \"tenant\").v][0]", Some("globex")),
        (".input.tags | map(select(.k == \"tenant\").v) | first", Some("globex")),
        (".input.nobody // .input.customer.id", Some("acme")),
        (".input.nobody.at.all", None),
        (".input.tags[9].v", None),
        ("empty", None),
        ("false", None),
        ("\"  \"", None),
        (".input.tags[] | .v", Some("gold")),
        ("\"\\(.input.customer.id)-\\(.input.customer.number)\"", Some("acme-7")),
        (".input as {customer: {id: $id}} | $id + \"!\"", Some("acme!")),
        ("first(.. | .v? | strings)", Some("gold")),
        (".input.customer | keys | first", Some("id")),
        ("try .key.nonsense", None),
    ] {
        assert_eq!(run(program, &given()), Ok(tenant.map(str::to_owned)), "{program}");
    }
}

#[test]
fn what_is_no_text_or_fails_is_said_without_what_was_given() {
    for (program, why) in [
        (".input", "an object"),
        (".input.tags", "a list"),
        (".key == .key", "true"),
        (".key.customer", "it fails"),
        (".key | tonumber", "it fails"),
    ] {
        let error = run(program, &given()).unwrap_err();
        assert!(error.contains(why) && !error.contains("acme"), "{program}: {error}");
    }
    let long = json!({"key": "x".repeat(201)});
    assert!(run(".key", &long).unwrap_err().contains("more than 200 characters"));
    assert_eq!(run(".key", &json!({"key": "x".repeat(200)})), Ok(Some("x".repeat(200))));
    let large = json!({"key": "x".repeat(INPUT)});
    assert!(run(".key", &large).unwrap_err().contains("larger than 32 KiB"));
}

#[test]
fn what_can_not_be_bounded_is_refused_at_its_place() {
    for (program, at, why) in [
        ("def f: f; f", 4, "definitions"),
        (".a | def f(x): x | f(x); f(.)", 9, "definitions"),
        ("recurse", 0, "recurse/0"),
        (".key | repeat(.)", 7, "repeat/1"),
        ("last(range(1e18))", 5, "range/1"),
        ("[nth(9; .[])]", 1, "nth/2"),
        ("until(false; .)", 0, "until/2"),
        ("while(true; .)", 0, "while/2"),
        ("reduce .[] as $x (\"a\"; . + .)", 0, "reduce"),
        ("foreach .[] as $x (0; . + 1)", 0, "foreach"),
        ("\"x\" * 1e9", 0, "may repeat a text"),
        (".a = 1", 0, "assignments"),
        (".a |= 1", 0, "assignments"),
        ("label $out | break $out", 6, "label"),
        ("input", 0, "input/0"),
        ("env.HOME", 0, "env/0"),
        ("$ENV.HOME", 0, "no variable $ENV"),
        ("now", 0, "now/0"),
        ("halt", 0, "halt/0"),
        (".key | fromjson", 7, "fromjson/0"),
        (".key | gsub(\"a\"; \"b\")", 7, "gsub/2"),
        (".key | test(.pattern)", 7, "must be written out"),
        (".key | test(\"(a{99}){99}\")", 7, "braces"),
        (".key | test(\"a\"; \"g\")", 7, "without g"),
        ("try error catch .", 0, "catch"),
        ("nonsense", 0, "nonsense/0"),
        // A milliard of pairs.
        ("[.[] as $a | .[] as $b | [$a, $b]] | first", 0, "too long"),
        ("[.[] | .[] as $b | .. ] | map(..) | first", 0, "too long"),
        // Each doubles what there is.
        (&"[.,.]|".repeat(30).add("first"), 0, "too long"),
        (&"\"\\(.)\\(.)\"|".repeat(20).add("length"), 0, "too long"),
        (&". + .|".repeat(30).add("length"), 0, "too long"),
    ] {
        let mistake = refused(program);
        assert!(mistake.why.contains(why), "{program}: {mistake:?}");
        assert_eq!(mistake.at, at, "{program}: {mistake:?}");
    }
}

/// Puts a text behind another one.
trait Add {
    fn add(self, more: &str) -> String;
}

impl Add for String {
    fn add(mut self, more: &str) -> String {
        self.push_str(more);
        self
    }
}

#[test]
fn what_can_not_be_read_is_said_with_its_place() {
    for (program, at) in
        [(".a |", 4), ("(.a", 3), (".a)", 2), ("if .a then .b", 13), (".a $", 3), ("\"", 0), ("", 0), (".[] ]", 4)]
    {
        let mistake = refused(program);
        assert!(mistake.at <= program.len() && !mistake.why.is_empty(), "{program}: {mistake:?}");
        assert!(mistake.at.abs_diff(at) <= 1, "{program}: {mistake:?}");
    }
    assert!(refused(&format!(".{}", " ".repeat(LENGTH))).why.contains("longer than 1000 bytes"));
    assert!(refused(&"(".repeat(400)).why.contains("nested deeper"));
    assert!(refused(&format!("{}.{}", "[".repeat(41), "]".repeat(41))).why.contains("nested deeper"));
}

#[test]
fn deep_programs_do_not_end_the_process() {
    for program in [
        "-".repeat(990) + "1",
        "try ".repeat(249) + ".",
        ".|".repeat(499) + ".",
        "if . then ".repeat(60) + "1" + &" end".repeat(60),
    ] {
        // Whether it is taken or not.
        if let Ok(program) = Program::compile(&program) {
            assert!(program.names() == super::Names::default());
        }
    }
    let nested = (0..100).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(run("[..] | length", &nested), Ok(Some("101".to_owned())));
}

#[test]
fn a_program_tells_what_it_names() {
    let names = |text: &str| {
        let names = Program::compile(text).unwrap().names();
        (names.input, names.headers, names.state, names.step)
    };
    assert_eq!(names(".key"), (false, false, false, false));
    assert_eq!(names(".input.a"), (true, false, false, false));
    assert_eq!(names(".[\"state\"].a // .headers.b"), (false, true, true, false));
    assert_eq!(names("if .step == \"a\" then .key else .flow end"), (false, false, false, true));
}

/// Parts of programs, those that are refused among them.
pub(super) fn program() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        proptest::sample::select(vec![
            ".",
            "..",
            ".key",
            ".input",
            ".input[]",
            ".input?",
            ".[0]",
            ".[1:]",
            ".a.b?",
            "1",
            "-1",
            "\"x\"",
            "null",
            "true",
            "[]",
            "{}",
            "empty",
            "length",
            "keys",
            "first",
            "last",
            "to_entries",
            "tostring",
            "tonumber",
            "reverse",
            "not",
            "type",
            "ascii_downcase",
            "unique",
            "max",
            "$x",
            "recurse",
            "@base64",
            ". as $x | $x",
            "{a: .}",
            "{key}",
        ])
        .prop_map(str::to_owned),
        "[-a-z.|()\\[\\]{}\"$,;:+*/ 0-9]{0,12}",
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let (a, b) = (inner.clone(), inner.clone());
        prop_oneof![
            (
                a.clone(),
                b.clone(),
                proptest::sample::select(vec!["|", ",", "//", "+", "-", "/", "%", "==", "<", "and", "or"])
            )
                .prop_map(|(a, b, op)| format!("({a}) {op} ({b})")),
            a.clone().prop_map(|a| format!("[{a}]")),
            a.clone().prop_map(|a| format!("map({a})")),
            a.clone().prop_map(|a| format!("select({a})")),
            a.clone().prop_map(|a| format!("first({a})")),
            a.clone().prop_map(|a| format!("any({a})")),
            a.clone().prop_map(|a| format!("try ({a})")),
            a.clone().prop_map(|a| format!("\"<\\({a})>\"")),
            (a.clone(), b.clone()).prop_map(|(a, b)| format!("{{({a}): ({b})}}")),
            (a.clone(), b.clone()).prop_map(|(a, b)| format!("({a}) as $x | ({b})")),
            (a, b, inner).prop_map(|(a, b, c)| format!("if {a} then {b} else {c} end")),
        ]
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map("[a-c]|key|input", inner, 0..5).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_program_is_refused_or_comes_to_an_end(text in program(), given in value()) {
        match Program::compile(&text) {
            Err(mistake) => prop_assert!(mistake.at <= text.len() && !mistake.why.is_empty()),
            Ok(program) => {
                let outcome = std::thread::scope(|scope| {
                    let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || program.run(&given));
                    thread.unwrap().join()
                });
                match outcome {
                    Ok(Ok(Some(text))) => prop_assert!(!text.is_empty()),
                    Ok(Ok(None) | Err(_)) => {}
                    Err(_) => prop_assert!(false, "{} panicked", text),
                }
            }
        }
    }
}
