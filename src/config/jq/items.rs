//! Programs on the items of an answer: any number of outputs, each of them any JSON.

use jaq_core::{Ctx, Vars, data, unwrap_valr};
use jaq_json::Val;
use serde_json::{Map, Value};

use super::Program;

/// How large all outputs for one item may be together, in bytes of JSON.
const OUTPUTS: usize = 8 * 1024 * 1024;

/// The largest item that a program is given, in bytes of JSON.
pub const LARGEST_ITEM: usize = 512 * 1024;

/// Why a program did not go on, in words that show nothing of what it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(pub String);

impl Program {
    /// Runs it on one item, under this key: its outputs, `most` of them, and why there are no more where it fails. Needs a
    /// stack of [`super::STACK`].
    pub fn outputs(&self, item: &Value, key: &Value, most: usize) -> (Vec<Value>, Option<Fault>) {
        let fault = |why: &str| (Vec::new(), Some(Fault(why.to_owned())));
        let json = item.to_string();
        if !self.costs.fit(json.len()) {
            let kib = json.len().div_ceil(1024);
            return fault(&format!(
                "the item is too large for this program: {kib} KiB; take less of it, or fewer things at once"
            ));
        }
        let input = jaq_json::read::parse_single(json.as_bytes());
        let key = jaq_json::read::parse_single(key.to_string().as_bytes());
        let (Ok(input), Ok(key)) = (input, key) else { return fault("the item can't be read") };
        let variables = if self.of_items { vec![key] } else { Vec::new() };
        let context = Ctx::<data::JustLut<Val>>::new(&self.filter.lut, Vars::new(variables));
        let (mut outputs, mut room) = (Vec::new(), OUTPUTS);
        for output in self.filter.id.run((context, input)).map(unwrap_valr) {
            if outputs.len() >= most {
                return (outputs, Some(Fault(format!("it gives more than {most} things for one item"))));
            }
            match output.map(|output| value(&output)) {
                Ok(Ok(output)) => {
                    let Some(left) = room.checked_sub(output.to_string().len()) else {
                        let why = format!("it gives more than {} MiB for one item", OUTPUTS / 1024 / 1024);
                        return (outputs, Some(Fault(why)));
                    };
                    room = left;
                    outputs.push(output);
                }
                Ok(Err(why)) => return (outputs, Some(Fault(why.to_owned()))),
                Err(error) => return (outputs, Some(Fault(words(&error.to_string(), self.text())))),
            }
        }
        (outputs, None)
    }
}

/// A value of the interpreter's as JSON.
fn value(output: &Val) -> Result<Value, &'static str> {
    Ok(match output {
        Val::Null => Value::Null,
        Val::Bool(bool) => Value::Bool(*bool),
        Val::Num(number) => {
            serde_json::from_str(&number.to_string()).map_err(|_| "it gives a number that JSON has not got")?
        }
        Val::TStr(text) => Value::String(String::from_utf8_lossy(text).into_owned()),
        Val::BStr(_) => return Err("it gives bytes, which are no text"),
        Val::Arr(values) => values.iter().map(value).collect::<Result<Vec<_>, _>>()?.into(),
        Val::Obj(fields) => {
            let mut object = Map::new();
            for (name, field) in fields.iter() {
                let Val::TStr(name) = name else { return Err("it gives an object with a name that is no text") };
                object.insert(String::from_utf8_lossy(name).into_owned(), value(field)?);
            }
            Value::Object(object)
        }
    })
}

/// What JSON begins so, in words.
fn sort(json: &str) -> &'static str {
    match json.trim_start().bytes().next() {
        Some(b'"') => "a text",
        Some(b'[') => "a list",
        Some(b'{') => "an object",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        Some(b'0'..=b'9' | b'-') => "a number",
        _ => "something else",
    }
}

/// What the interpreter says, without the values that are in it: sorts of them, and names that the program has itself.
fn words(error: &str, program: &str) -> String {
    if let Some((of, wanted)) = error.strip_prefix("cannot use ").and_then(|rest| rest.rsplit_once(" as ")) {
        return format!("there is {}, where {wanted} is wanted", sort(of));
    }
    if let Some((of, by)) = error.strip_prefix("cannot index ").and_then(|rest| rest.rsplit_once(" with ")) {
        let name = by.trim_matches('"');
        let own = !name.is_empty() && name.len() < 60 && program.contains(name);
        return if own {
            format!("there is {}, which has no {name}", sort(of))
        } else {
            format!("there is {}, which has no such thing", sort(of))
        };
    }
    if let Some(sum) = error.strip_prefix("cannot calculate ") {
        for sign in [" + ", " - ", " * ", " / ", " % "] {
            if let Some((left, right)) = sum.split_once(sign) {
                return format!("{}{sign}{} is nothing that can be worked out", sort(left), sort(right));
            }
        }
    }
    for (known, said) in [
        ("cannot parse as number", "a text is no number"),
        ("cannot parse as boolean", "a text is neither true nor false"),
    ] {
        if error.contains(known) {
            return said.to_owned();
        }
    }
    "it fails on what it is given".to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::{ITEM, STACK};
    use super::*;

    fn run(program: &str, item: &Value) -> (Vec<Value>, Option<String>) {
        let program = Program::of_items(program).unwrap_or_else(|mistake| panic!("{program}: {mistake:?}"));
        std::thread::scope(|scope| {
            let work = || program.outputs(item, &json!(7), 100);
            let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).unwrap();
            let (outputs, fault) = thread.join().unwrap();
            (outputs, fault.map(|Fault(why)| why))
        })
    }

    fn gives(program: &str, item: &Value) -> Value {
        let (outputs, fault) = run(program, item);
        assert_eq!(fault, None, "{program}");
        Value::Array(outputs)
    }

    #[test]
    fn programs_make_objects_of_items() {
        let job = json!({
            "id": 5, "name": "a", "at": "2026-01-02T03:04:05Z", "seconds": 3, "tags": ["x", "y"],
            "limits": {"seats": 5, "storage": 9}, "secret": "s", "steps": [{"n": "b", "t": 2}, {"n": "a", "t": 1}],
        });
        let program = "{id: (.id|tostring), name, time: .at, ms: ((.seconds | tonumber) * 1000), first: .tags[0]}";
        let whole = json!([{"id": "5", "name": "a", "time": "2026-01-02T03:04:05Z", "ms": 3000, "first": "x"}]);
        assert_eq!(gives(program, &job), whole);
        assert_eq!(gives(".tags[] | {id: ., key: $key}", &job), json!([{"id": "x", "key": 7}, {"id": "y", "key": 7}]));
        assert_eq!(
            gives(". as $job | .steps[] | {id: (\"\\($job.id)-\" + .n)}", &job),
            json!([{"id": "5-b"}, {"id": "5-a"}])
        );
        let usage = "{usage: (.limits | with_entries({key, value: {limit: .value}}))}";
        let told = json!([{"usage": {"seats": {"limit": 5}, "storage": {"limit": 9}}}]);
        assert_eq!(gives(usage, &job), told);
        assert_eq!(gives(".steps | sort_by(.t) | map(.n) | join(\"+\")", &job), json!(["a+b"]));
        assert_eq!(gives("[.limits[]] | add", &job), json!([14]));
        assert_eq!(gives("del(.secret) | has(\"secret\")", &job), json!([false]));
        assert_eq!(gives("limit(1; .tags[])", &job), json!(["x"]));
    }

    #[test]
    fn a_fault_is_told_without_what_was_given() {
        let item = json!({"name": "hunter2", "list": ["hunter2"], "number": 1});
        for (program, why) in [
            (".name.first", "there is a text, which has no first"),
            (".list.first", "there is a list, which has no first"),
            (".number[]", "there is a number, where iterable (array or object) is wanted"),
            (".name + 1", "a text + a number is nothing that can be worked out"),
            (".name | tonumber", "fails"),
            ("{(.list): 1}", "no text"),
        ] {
            let (outputs, fault) = run(program, &item);
            let fault = fault.unwrap_or_else(|| panic!("{program} gave {outputs:?}"));
            assert!(fault.contains(why) && !fault.contains("hunter2"), "{program}: {fault}");
        }
        let (outputs, fault) = run(".[] | tonumber", &json!([1, "2", "x", 4]));
        assert_eq!(outputs, [json!(1), json!(2)], "what came before stays");
        assert!(fault.is_some());
    }

    #[test]
    fn what_a_program_gives_and_takes_is_bounded() {
        let many = Value::Array(vec![json!(1); 1_000]);
        let (outputs, fault) = run(".[]", &many);
        assert_eq!(outputs.len(), 100);
        assert!(fault.unwrap().contains("more than 100 things"));
        // Each with each: it fits a small item, and is not begun on a large one.
        let pairs = "[.[] as $a | .[] as $b | 1] | length";
        assert_eq!(run(pairs, &json!([1, 2, 3])).0, [json!(9)]);
        let (_, fault) = run(pairs, &Value::Array(vec![json!(1); 100_000]));
        assert!(fault.unwrap().contains("too large for this program"));
        let (_, fault) = run(".", &json!("x".repeat(LARGEST_ITEM)));
        assert!(fault.unwrap().contains("too large for this program: 513 KiB"));
        // Texts that are read as JSON once more, by recursion.
        for deep in ["[", "{\"a\":", "-"] {
            let (outputs, _) = run("tonumber", &json!(deep.repeat((LARGEST_ITEM / 2) / deep.len())));
            assert!(outputs.is_empty());
        }
        let nested = (0..120).fold(json!(1), |inner, _| json!({ "a": inner }));
        assert_eq!(run("[..] | length", &nested).0, [json!(121)]);
        for program in
            ["def f: f; f", "repeat(.)", "range(1e9)", "\"x\" * 1e9", "[.[] as $a | .[] as $b | .[] as $c | 1]"]
        {
            assert!(Program::of_items(program).is_err(), "{program}");
        }
    }

    #[test]
    fn an_object_of_many_fields_costs_as_much_as_its_fields() {
        let fields: Vec<String> = (0..40).map(|n| format!("f{n}: (.a.b{n} // .c{n} | tostring)")).collect();
        let program = Program::of_items(&format!("{{{}}}", fields.join(", "))).unwrap();
        assert!(program.costs.fit(ITEM) && program.costs.fit(LARGEST_ITEM / 8), "{:?}", program.costs);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Whatever is taken comes to its end on an item that has much of everything.
        #[test]
        fn any_program_is_refused_or_comes_to_an_end(text in super::super::tests::program()) {
            let Ok(program) = Program::of_items(&text) else { return Ok(()) };
            let rows: Vec<Value> = (0..60).map(|n| json!({"a": n, "b": [n, {"c": n.to_string()}], "key": "k:v"})).collect();
            let item = json!({"input": rows, "key": "x".repeat(600), "a": {"b": {"c": [[[[1, 2], 3], 4], 5]}}});
            prop_assert!((ITEM / 2..ITEM).contains(&item.to_string().len()));
            let began = std::time::Instant::now();
            let (outputs, _) = std::thread::scope(|scope| {
                let work = || program.outputs(&item, &json!("key"), 10_000);
                std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).unwrap().join().unwrap()
            });
            prop_assert!(outputs.len() <= 10_000 && began.elapsed().as_secs() < 60, "{}: {:?}", text, began.elapsed());
        }
    }
}
