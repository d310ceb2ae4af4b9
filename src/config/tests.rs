use std::path::Path;

use jiff::SignedDuration;
use proptest::prelude::*;
use secrecy::ExposeSecret as _;

use super::{ColourDepth, Config, ConfigError, Flags, Layer, SourceKind, Surroundings, TenantRule, Times};
use crate::domain::promise::Promise;
use crate::domain::verdict::{Limit, Thresholds};

/// How often a source of these tests is looked at.
const POLL: SignedDuration = SignedDuration::from_secs(5);

const SMALLEST: &str = "[[source]]\nname = \"restate\"\nkind = \"restate\"\nurl = \"http://localhost:9070/\"\n";

fn parse(text: &str) -> Config {
    Config::parse(text, "config.toml", None).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

/// Everything that is said of a text, without the lines that it quotes.
fn mistakes(text: &str) -> Vec<String> {
    match Config::parse(text, "config.toml", None).expect_err(text) {
        ConfigError::Invalid(all) => all.iter().map(ToString::to_string).collect(),
        other => vec![other.to_string()],
    }
}

/// The first of it.
fn refused(text: &str) -> String {
    mistakes(text).swap_remove(0)
}

fn with_variables(text: &str, variables: &[(&str, &str)], folder: &Path) -> Result<Config, ConfigError> {
    let variable =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Config::parse_in(text, "config.toml", &Flags::default(), &Surroundings { variable: &variable, folder })
}

/// A source with one more line.
fn source_with(line: &str) -> String {
    format!("{SMALLEST}{line}\n")
}

#[test]
fn the_smallest_config_has_the_defaults() {
    let config = parse(SMALLEST);
    assert_eq!(config.operator, format!("uid {}", rustix::process::getuid().as_raw()));
    assert_eq!(config.soak, SignedDuration::from_secs(60));
    assert!(config.state_dir.ends_with("quarterdeck"), "{}", config.state_dir.display());
    assert_eq!(config.context.name, "default");
    assert!(!config.context.production);
    assert_eq!(config.context.colour, None);
    let [source] = &config.context.sources[..] else { panic!("one source") };
    assert_eq!((source.name.as_str(), source.kind), ("restate", SourceKind::Restate));
    assert_eq!(source.url, "http://localhost:9070", "a trailing slash goes");
    assert_eq!(source.poll, SignedDuration::from_secs(5));
    assert_eq!(source.timeout, SignedDuration::from_secs(10));
    assert!(source.transport.credentials.is_none());
    assert_eq!(config.thresholds.resolve("restate", "flow", "step", POLL), Thresholds::default());
}

#[test]
fn the_example_is_read_in_each_of_its_contexts() {
    let text = include_str!("../../config.example.toml");
    let tokens = [("RESTATE_EU_TOKEN", "eu-token"), ("RESTATE_US_TOKEN", "us-token")];
    let variable = |name: &str| tokens.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let surroundings = Surroundings { variable: &variable, folder: Path::new("") };
    for (context, production, sources) in [("default", false, 1), ("staging", false, 1), ("prod", true, 2)] {
        let config =
            Config::parse_in(text, "config.example.toml", &Flags::of_context(Some(context)), &surroundings).unwrap();
        assert_eq!(config.context.production, production, "{context}");
        assert_eq!(config.context.sources.len(), sources, "{context}");
    }
    let config = Config::parse(text, "config.example.toml", None).unwrap();
    assert_eq!(config.context.name, "default", "without the tokens of production the rest still works");
    assert_eq!(config.thresholds.resolve("restate", "billing/run", "charge", POLL), Thresholds::default());
    let database = config.thresholds.resolve("restate", "tenant-provisioning/run", "database", POLL);
    assert_eq!(database.overdue, Limit::set(SignedDuration::from_hours(1)));
}

/// Every commented default of the example is one: taken out of its comment, it changes nothing.
#[test]
fn the_commented_defaults_of_the_example_are_the_defaults() {
    let config = parse(&source_with("poll = \"5s\"\ntimeout = \"10s\""));
    let plain = parse(SMALLEST);
    assert_eq!(config.context.sources[0].poll, plain.context.sources[0].poll);
    assert_eq!(config.context.sources[0].timeout, plain.context.sources[0].timeout);
    assert_eq!(parse(&format!("soak = \"60s\"\n{SMALLEST}")).soak, plain.soak);
}

#[test]
fn a_mistake_is_shown_with_its_place_and_what_was_meant() {
    for (text, expected) in [
        (
            "[[source]]\nname = \"a\"\nknd = \"restate\"",
            "config.toml:3:1: unknown key \"knd\" (did you mean \"kind\"?)",
        ),
        ("operater = \"jo\"", "config.toml:1:1: unknown key \"operater\" (did you mean \"operator\"?)"),
        ("[context.prod]\ncolor = \"red\"", "config.toml:2:1: unknown key \"color\" (did you mean \"colour\"?)"),
        (
            "[[source]]\nname = \"a\"\noperator = \"jo\"",
            "config.toml:3:1: \"operator\" has no place in a table: it stands before the first [table] of the file",
        ),
        ("[thresholds]\nretries = 3", "config.toml:2:1: unknown key \"retries\""),
        ("zzz = 1\nsoka = \"1s\"", "config.toml:1:1: unknown key \"zzz\""),
        ("soak = 60", "config.toml:1:8: \"soak\" must be a duration in quotes, such as \"10s\", not an integer"),
        ("soak = \"60\"", "config.toml:1:8: \"soak\": a unit is missing; write it as 90s, 10m, 2h30m or 3d"),
        ("soak = \"soon\"", "config.toml:1:8: \"soak\": not a duration; write it as 90s, 10m, 2h30m or 3d"),
        ("soak = \"0s\"", "config.toml:1:8: \"soak\" must be longer than nothing"),
        ("soak = \"-1s\"", "config.toml:1:8: \"soak\": a duration can't be negative"),
        ("operator = 5", "config.toml:1:12: \"operator\" must be a text in quotes, not an integer"),
        ("operator = \" \"", "config.toml:1:12: \"operator\" is empty"),
        (
            "source = 5",
            "config.toml:1:10: \"source\" must be a list of tables: write its header in two brackets, not an integer",
        ),
        (
            "[source]\nname = \"a\"",
            "config.toml:1:1: \"source\" must be a list of tables: write its header in two brackets, not a table",
        ),
        (
            "[context.prod]\nproduction = \"yes\"",
            "config.toml:2:14: \"production\" must be true or false, not a string",
        ),
        (
            "[context.prod]\ncolour = \"rde\"",
            "config.toml:2:10: unknown colour \"rde\"; use #rrggbb or one of: black, red, green, yellow, blue, magenta, cyan, white, gray (did you mean \"red\"?)",
        ),
        ("context = { prod = 3 }", "config.toml:1:20: \"prod\" must be a table, not an integer"),
        ("[context.\"a b\"]", "config.toml:1:10: a context's name can't hold white space"),
        ("[thresholds]\nretry_attempts = 0", "config.toml:2:18: \"retry_attempts\" must be 1 or more"),
        ("[thresholds]\nretry_attempts = -3", "config.toml:2:18: \"retry_attempts\" must be 1 or more"),
        (
            "[thresholds]\nretry_attempts = \"5\"",
            "config.toml:2:18: \"retry_attempts\" must be a whole number, not a string",
        ),
        ("[[threshold]]\noverdue = \"0s\"", "config.toml:2:11: \"overdue\" must be longer than nothing"),
        ("[[source]]\nkind = \"restate\"", "config.toml:1:1: a source needs \"name\""),
        ("[[source]]\nname = \"a\"", "config.toml:1:1: a source needs \"kind\""),
        (
            "[[source]]\nname = \"a\"\nkind = \"restat\"",
            "config.toml:3:8: unknown kind \"restat\"; there are: restate, prefect, terraform, salt, rest, alertmanager (did you mean \"restate\"?)",
        ),
        ("[[source]]\nname = \"a/b\"", "config.toml:2:8: a source's name can't hold a slash"),
        ("[[source]]\nname = \"a b\"", "config.toml:2:8: a source's name can't hold white space"),
        ("[[source]]\nname = \"\"", "config.toml:2:8: a source's name can't be empty"),
        ("[[source]]\nname = \"a\u{202e}b\"", "config.toml:2:8: a source's name can't hold hidden characters"),
    ] {
        let all = mistakes(text);
        assert!(all.iter().any(|said| said == expected), "{text}: {all:#?}");
    }
    assert!(refused("é = \"x").starts_with("config.toml:1:"), "{}", refused("é = \"x"));
    assert!(refused("a = 1\na = 2").starts_with("config.toml:2:1: "), "{}", refused("a = 1\na = 2"));
    assert_eq!(refused(&source_with("poll = \"500ms\"")), "config.toml:5:8: \"poll\" must be 1s at least");
}

#[test]
fn every_mistake_is_told_at_once_and_in_order() {
    let text = "soka = \"1s\"\n[ui]\ntimes = \"gmt\"\nmouse = 1\n[[source]]\nname = \"a\"\nknd = \"restate\"\n\
                url = \"ftp://x\"\npoll = \"5\"\n[context.p]\ncolour = \"rde\"\n";
    let places: Vec<_> = mistakes(text).iter().map(|said| said.split(": ").next().unwrap().to_owned()).collect();
    let expected = ["1:1", "3:9", "4:9", "7:1", "8:7", "9:8", "11:10"].map(|place| format!("config.toml:{place}"));
    assert_eq!(places, expected, "{:#?}", mistakes(text));
}

#[test]
fn a_mistake_is_shown_in_its_line_without_any_other_value() {
    let said = |text: &str| Config::parse(text, "config.toml", None).expect_err(text).to_string();
    let with_excerpt = |text: &str, excerpt: &str| assert!(said(text).ends_with(excerpt), "{}", said(text));
    with_excerpt("[context.prod]\ncolour = \"rde\" # hunter2", "\n  2 | colour = \"rde\"\n    |          ^^^^^");
    with_excerpt("operater = \"hunter2\"", "\n  1 | operater = …\n    | ^^^^^^^^");
    with_excerpt("  soak = 60", "\n  1 |   soak = …\n    |          ^");
    for text in [
        "hunter2",
        "auth = hunter2",
        "a = \"\"\"\nhunter2 = hunter2\n",
        "operator = [\n\"hunter2\"\n",
        "[\"hunter2\"]\n[\"hunter2\"]",
        "source = { auth = \"hunter2\", url = 5 }",
    ] {
        let (_, excerpt) = said(text).split_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap_or_default();
        assert!(!excerpt.contains("= hunter2") && !excerpt.contains('"'), "{text}: {excerpt}");
    }
}

#[test]
fn how_it_looks_comes_from_the_flag_the_variable_the_file_or_nobody() {
    let text = format!(
        "[ui]\ntheme = \"light\"\ncolours = \"256\"\nascii = true\nmouse = false\ntimes = \"local\"\nframe = \"50ms\"\n{SMALLEST}"
    );
    let read = |variables: &[(&str, &str)], flags: &Flags| {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Config::parse_in(&text, "config.toml", flags, &Surroundings { variable: &variable, folder: Path::new("/etc") })
    };
    let none = Flags::default();
    let ui = read(&[], &none).unwrap().ui;
    assert_eq!(ui.theme.value.as_deref(), Some("light"));
    assert!(matches!(&ui.theme.from, Layer::File(place) if (place.line, place.column) == (2, 9)), "{:?}", ui.theme);
    assert_eq!(ui.theme.wrong("no").to_string(), "config.toml:2:9: no");
    assert_eq!((ui.colours.value, ui.ascii.value, ui.mouse.value), (Some(ColourDepth::Indexed), Some(true), false));
    assert_eq!((ui.times.value, ui.frame.value), (Times::Local, SignedDuration::from_millis(50)));

    let environment = [
        ("QUARTERDECK_THEME", "dark"),
        ("QUARTERDECK_COLOURS", "auto"),
        ("QUARTERDECK_ASCII", "0"),
        ("QUARTERDECK_MOUSE", "on"),
        ("QUARTERDECK_TIMES", "utc"),
        ("QUARTERDECK_STATE_DIR", "/var/q"),
    ];
    let config = read(&environment, &none).unwrap();
    assert_eq!(config.state_dir, Path::new("/var/q"));
    assert_eq!(config.layers.state_dir, Layer::Environment("QUARTERDECK_STATE_DIR"));
    let ui = config.ui;
    assert_eq!((ui.theme.value.as_deref(), ui.theme.from.name()), (Some("dark"), "QUARTERDECK_THEME".to_owned()));
    assert_eq!((ui.colours.value, ui.ascii.value, ui.mouse.value), (None, Some(false), true));
    assert_eq!(ui.times.value, Times::Utc);

    let flags = Flags { theme: Some("mine".into()), mouse: Some(false), ..Flags::default() };
    let ui = read(&environment, &flags).unwrap().ui;
    assert_eq!((ui.theme.value.as_deref(), ui.theme.from), (Some("mine"), Layer::Flag("--theme")));
    assert!(!ui.mouse.value);

    let wrong = read(&[("QUARTERDECK_TIMES", "utx"), ("QUARTERDECK_MOUSE", "2")], &none).unwrap_err().to_string();
    assert!(wrong.contains("QUARTERDECK_TIMES: unknown way to show times \"utx\"; there are: utc, local"), "{wrong}");
    assert!(wrong.contains("QUARTERDECK_MOUSE: \"2\" is neither on nor off"), "{wrong}");
    let own = text.replace("\"light\"", "\"themes/own.toml\"");
    let own = with_variables(&own, &[], Path::new("/etc/q")).unwrap().ui.theme.value;
    assert_eq!(own.as_deref(), Some("/etc/q/themes/own.toml"), "a path starts from the file's folder");
}

#[test]
fn keys_and_views_are_kept_as_written_with_their_places() {
    let text = format!(
        "[keys]\nsort = [\"o\", \"g s\"]\nverbs = \"ctrl-v\"\nrefresh = []\n\
         [[view]]\nname = \"mine\"\nfilter = \"tenant:acme\"\nsort = \"for\"\nreverse = true\ngroup = \"flow\"\n\
         [[view]]\nname = \"all\"\n{SMALLEST}"
    );
    let config = parse(&text);
    let keys: Vec<_> = config
        .keys
        .iter()
        .map(|set| (set.command.value.as_str(), set.keys.iter().map(|key| key.value.as_str()).collect::<Vec<_>>()))
        .collect();
    assert_eq!(keys, [("sort", vec!["o", "g s"]), ("verbs", vec!["ctrl-v"]), ("refresh", vec![])]);
    assert_eq!(config.keys[0].keys[1].wrong("x").to_string(), "config.toml:2:14: x");
    assert_eq!(config.keys[1].command.wrong("x").to_string(), "config.toml:3:1: x");
    let [mine, all] = &config.views[..] else { panic!("{:?}", config.views) };
    assert_eq!((mine.name.value.as_str(), mine.reverse), ("mine", true));
    assert_eq!(mine.filter.as_ref().unwrap().wrong("x").to_string(), "config.toml:7:10: x");
    assert!(all.filter.is_none() && all.sort.is_none() && all.group.is_none() && !all.reverse);
    assert_eq!(refused("[keys]\nsort = 5").split_once(' ').unwrap().0, "config.toml:2:8:");
    assert!(refused("[[view]]\nname = \"a\"\n[[view]]\nname = \"a\"").contains("the first is on line 2"));
    assert!(refused("[[view]]\nfilter = \"a\"").contains("a view needs \"name\""));
    let contexts = parse(&format!("{SMALLEST}[context.prod]\nproduction = true\ncolour = \"red\"\n")).contexts;
    let seen: Vec<_> = contexts.iter().map(|c| (c.name.as_str(), c.production, c.sources)).collect();
    assert_eq!(seen, [("default", false, 1), ("prod", true, 0)]);
}

#[test]
fn a_url_is_plain_http_without_secrets() {
    let refused_url = |url: &str| refused(&SMALLEST.replace("http://localhost:9070/", url));
    for (url, why) in [
        ("localhost:9070", "must begin with http"),
        ("localhost", "can't be read"),
        ("ftp://host", "must begin with http"),
        ("", "can't be read"),
        ("https://jo:hunter2@host", "can't hold credentials"),
        ("https://hunter2@host", "can't hold credentials"),
        ("https://host/?token=hunter2", "can't hold a query"),
        ("https://host/#hunter2", "can't hold a query"),
    ] {
        let error = refused_url(url);
        assert!(error.starts_with("config.toml:4:7: \"url\" ") && error.contains(why), "{url}: {error}");
        assert!(!error.contains("hunter2"), "an error shows no secret: {error}");
    }
    let kept = parse(&SMALLEST.replace("http://localhost:9070/", "https://[::1]:9070/admin//"));
    assert_eq!(kept.context.sources[0].url, "https://[::1]:9070/admin");
}

#[test]
fn two_sources_of_one_name_are_refused_with_both_lines() {
    assert_eq!(
        refused(&format!("{SMALLEST}\n{SMALLEST}")),
        "config.toml:7:8: a second source \"restate\"; the first is on line 2"
    );
    let elsewhere = SMALLEST.replace("[[source]]", "[[context.prod.source]]");
    assert_eq!(parse(&format!("{SMALLEST}{elsewhere}")).context.sources.len(), 1, "contexts do not share names");
    let merged = SMALLEST.replace("[[source]]", "[[context.default.source]]");
    assert!(refused(&format!("{SMALLEST}{merged}")).contains("a second source"), "one context, written in two ways");
}

#[test]
fn contexts_are_chosen_by_name_or_by_default() {
    let of = |context: &str| SMALLEST.replace("[[source]]", &format!("[[context.{context}.source]]"));
    let choose = |text: &str, context| Config::parse(text, "config.toml", context).map(|config| config.context.name);
    assert_eq!(choose(&of("prod"), None).unwrap(), "prod", "the only one");
    let both = of("prod") + &of("staging");
    assert_eq!(choose(&both, Some("staging")).unwrap(), "staging");
    assert_eq!(choose(&format!("{SMALLEST}{both}"), None).unwrap(), "default");
    let message = |text: &str, context| choose(text, context).unwrap_err().to_string();
    assert_eq!(
        message(&both, None),
        "config.toml: several contexts and no default; name one with --context; there are: prod, staging"
    );
    assert_eq!(
        message(&both, Some("stagin")),
        "config.toml: no context \"stagin\" (did you mean \"staging\"?); there are: prod, staging"
    );
    let production = format!("[context.default]\nproduction = true\ncolour = \"#ff0080\"\n{SMALLEST}");
    let context = parse(&production).context;
    assert!(context.production && context.sources.len() == 1, "the default context can be described too");
    assert_eq!(context.colour.as_deref(), Some("#ff0080"));
}

#[test]
fn a_context_without_a_source_is_an_error_that_shows_one() {
    for (text, context) in
        [("", None), ("soak = \"1m\"", None), ("[context.prod]", Some("prod")), ("", Some("default"))]
    {
        let error = Config::parse(text, "config.toml", context).unwrap_err();
        assert!(matches!(error, ConfigError::NoSource { .. }), "{error}");
        let (_, example) = error.to_string().split_once("\n\n").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let config = Config::parse(&example, "example", None).unwrap();
        assert_eq!(config.context.sources.len(), 1, "what the error shows can be pasted");
    }
}

#[test]
fn the_operator_comes_from_the_variable_the_file_or_the_user() {
    let file = format!("operator = \"jo\"\n{SMALLEST}");
    let operator = |text: &str, variables: &[_]| with_variables(text, variables, Path::new("")).unwrap().operator;
    assert_eq!(operator(&file, &[("QUARTERDECK_OPERATOR", "kim"), ("USER", "root")]), "kim");
    assert_eq!(operator(&file, &[("USER", "root")]), "jo");
    assert_eq!(operator(SMALLEST, &[("QUARTERDECK_OPERATOR", " "), ("USER", "root")]), "root");
    assert_eq!(operator(SMALLEST, &[("LOGNAME", "sam")]), "sam");
    assert_eq!(operator(SMALLEST, &[]), format!("uid {}", rustix::process::getuid().as_raw()));
}

#[test]
fn a_token_comes_from_the_environment_and_is_shown_nowhere() {
    let text = source_with("auth = { bearer = { env = \"TOKEN\" } }");
    let config = with_variables(&text, &[("TOKEN", "hunter2\n")], Path::new("")).unwrap();
    assert_eq!(config.context.sources[0].transport.credentials.as_ref().unwrap().secret().expose_secret(), "hunter2");
    assert!(!format!("{config:?}").contains("hunter2"));
    assert_eq!(refused(&text), "config.toml:5:27: the environment variable TOKEN is not set");
    for bad in ["hunter2 x", "hunter2\nx", "hünter2", "\n"] {
        let error = with_variables(&text, &[("TOKEN", bad)], Path::new("")).unwrap_err().to_string();
        assert!(error.contains("is no token") && !error.contains("nter2"), "{error}");
    }
}

#[test]
fn a_token_in_the_config_is_refused_and_not_repeated() {
    for line in ["auth = \"hunter2\"", "auth = { bearer = \"hunter2\" }"] {
        let error = mistakes(&source_with(line)).join("\n");
        assert!(error.contains("a secret does not belong in this file; use auth = "), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    for (line, why) in [
        ("auth = { bearer = { literal = \"hunter2\" } }", "unknown key \"literal\""),
        ("auth = { token = \"hunter2\" }", "unknown key \"token\""),
        ("auth = { bearer = {} }", "needs either"),
        ("auth = {}", "needs either"),
        ("auth = { bearer = { env = \"A\", file = \"b\" } }", "needs either"),
        ("auth = 5", "must be a table"),
    ] {
        let error = mistakes(&source_with(line)).join("\n");
        assert!(error.contains(why) && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_token_may_come_from_a_command() {
    let text = |words: &str| source_with(&format!("auth = {{ bearer = {{ command = {words} }} }}"));
    let config = with_variables(&text("[\"printf\", \" hunter2\\n\"]"), &[], Path::new("")).unwrap();
    let credentials = config.context.sources[0].transport.credentials.as_ref().unwrap();
    assert_eq!(credentials.secret().expose_secret(), "hunter2");
    assert_eq!(credentials.words(), "bearer token from the output of printf");
    assert!(credentials.renewable() && !format!("{:?}", credentials.secret()).contains("hunter2"));
    for (words, why) in [
        ("\"printf hunter2\"", "\"command\" must be a list of texts in quotes"),
        ("[]", "\"command\" is empty"),
        ("[\"\"]", "\"command\" is empty"),
        ("[\"printf\", 5]", "must be a list of texts"),
        ("[\"true\"]", "the output of true: what it holds is no token"),
        ("[\"printf\", \"two words\"]", "the output of printf: what it holds is no token"),
        ("[\"false\"]", "false failed (exit status: 1)"),
        ("[\"./none\"]", "none: No such file"),
    ] {
        let error = with_variables(&text(words), &[], Path::new("")).unwrap_err().to_string();
        assert!(error.starts_with("config.toml:5:") && error.contains(why), "{words}: {error}");
    }
}

#[test]
fn a_user_has_a_password_that_stands_elsewhere() {
    let text = source_with("auth = { basic = { user = \"jo\", password = { env = \"PASSWORD\" } } }");
    let config = with_variables(&text, &[("PASSWORD", "correct horse ü")], Path::new("")).unwrap();
    let credentials = config.context.sources[0].transport.credentials.as_ref().unwrap();
    assert_eq!(credentials.secret().expose_secret(), "correct horse ü");
    assert_eq!(credentials.words(), "user jo, password from the environment variable PASSWORD");
    assert!(!format!("{config:?}").contains("horse"));
    for (line, why) in [
        ("basic = { user = \"jo\", password = \"hunter2\" }", "a secret does not belong in this file"),
        ("basic = \"jo:hunter2\"", "a secret does not belong in this file"),
        ("basic = { password = { env = \"PASSWORD\" } }", "needs \"user\""),
        ("basic = { user = \"jo\" }", "\"password\" needs either"),
        ("basic = { user = \"jo:hunter2\", password = { env = \"P\" } }", "can't hold a colon"),
        (
            "bearer = { env = \"A\" }, basic = { user = \"jo\", password = { env = \"P\" } }",
            "a server takes one of them",
        ),
    ] {
        let error = refused(&source_with(&format!("auth = {{ {line} }}")));
        assert!(error.contains(why) && !error.contains("hunter2"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_token_file_must_be_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let text = source_with("auth = { bearer = { file = \"token\" } }");
    let read = |mode: u32| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        with_variables(&text, &[], folder.path())
    };
    std::fs::write(&path, "hunter2\n").unwrap();
    for mode in [0o600, 0o400] {
        let config = read(mode).unwrap();
        assert_eq!(
            config.context.sources[0].transport.credentials.as_ref().unwrap().secret().expose_secret(),
            "hunter2"
        );
    }
    for mode in [0o640, 0o604, 0o644, 0o620] {
        let error = read(mode).unwrap_err().to_string();
        assert!(error.contains(&format!("chmod 600 {}", path.display())), "{error}");
    }
    std::fs::remove_file(&path).unwrap();
    let error = with_variables(&text, &[], folder.path()).unwrap_err().to_string();
    assert!(error.starts_with("config.toml:5:28: ") && error.contains("token: No such file"), "{error}");
    std::fs::create_dir(&path).unwrap();
    assert!(with_variables(&text, &[], folder.path()).unwrap_err().to_string().contains("is no file"));
}

#[test]
fn thresholds_are_set_by_place_and_the_later_entry_wins() {
    let book = parse(&format!(
        "{SMALLEST}
        [thresholds]
        overdue = \"20m\"
        retry_attempts = 7
        [[threshold]]
        flow = \"tenant-*\"
        overdue = \"1h\"
        wait_grace = \"1m\"
        [[threshold]]
        source = \"restate\"
        flow = \"tenant-?elete\"
        step = \"database\"
        overdue = \"2h\"
        retry_min_age = \"90s\"
        retry_max_age = \"30m\"
        wait_callback = \"2d\"
        wait_person = \"1w\""
    ))
    .thresholds;
    let mins = SignedDuration::from_mins;
    let overdue = |limits: Thresholds, limit| Thresholds {
        overdue: Limit::set(mins(limit)),
        overdue_queued: Limit::set(mins(limit)),
        ..limits
    };
    let general = overdue(Thresholds { retry_attempts: 7, ..Thresholds::default() }, 20);
    assert_eq!(book.resolve("restate", "billing", "charge", POLL), general);
    let tenant = overdue(Thresholds { wait_grace: mins(1), ..general }, 60);
    assert_eq!(book.resolve("restate", "tenant-create", "database", POLL), tenant);
    assert_eq!(book.resolve("restate", "tenant-delete", "dns", POLL), tenant);
    assert_eq!(book.resolve("other", "tenant-delete", "database", POLL), tenant);
    let database = Thresholds {
        retry_min_age: SignedDuration::from_secs(90),
        retry_max_age: mins(30),
        wait_callback: SignedDuration::from_hours(48),
        wait_person: SignedDuration::from_hours(168),
        ..overdue(tenant, 120)
    };
    assert_eq!(book.resolve("restate", "tenant-delete", "database", POLL), database);
}

#[test]
fn a_promise_makes_limits_where_no_special_threshold_does() {
    let book = parse(&format!(
        "{SMALLEST}
        [thresholds]
        overdue = \"20m\"
        [[promise]]
        flow = \"reset-*\"
        run = \"2m\"
        [[promise]]
        flow = \"reset-*\"
        step = \"sms\"
        run = \"20s\"
        queue = \"50s\"
        [[threshold]]
        flow = \"reset-password\"
        step = \"mail\"
        overdue = \"1h\""
    ))
    .thresholds;
    let secs = SignedDuration::from_secs;
    let run = |flow: &str, step: &str, poll| book.resolve("restate", flow, step, poll).overdue;
    let promised = |limit, promise| Limit { limit: secs(limit), promise: Some(secs(promise)) };
    assert_eq!(run("billing", "charge", POLL), Limit::set(secs(1_200)), "nobody promised anything there");
    assert_eq!(run("reset-password", "page", POLL), promised(360, 120), "a promise is more special than [thresholds]");
    assert_eq!(run("reset-password", "sms", POLL), promised(60, 20));
    assert_eq!(run("reset-password", "mail", POLL), Limit::set(secs(3_600)), "a [[threshold]] goes before a promise");
    assert_eq!(run("reset-password", "sms", secs(40)), promised(80, 20), "no less than two polls");
    let sms = book.resolve("restate", "reset-password", "sms", POLL);
    assert_eq!((sms.overdue_queued, sms.queue), (promised(150, 50), Some(promised(150, 50))));
    assert_eq!(book.resolve("restate", "reset-password", "page", POLL).queue, None);
    let promise = |run, queue| Promise { run: Some(secs(run)), queue };
    assert_eq!(book.promise("restate", "reset-password", "sms"), promise(20, Some(secs(50))));
    assert_eq!(book.promise("restate", "reset-password", "mail"), promise(120, None));
    assert_eq!(book.promise("restate", "billing", "charge"), Promise::default());
    let error = refused(&format!("{SMALLEST}[[promise]]\nflow = \"a\""));
    assert!(error.contains("a promise needs \"run\" or \"queue\""), "{error}");
}

#[test]
fn tenants_are_told_by_the_last_entry_that_matches() {
    let book = parse(&format!(
        "{SMALLEST}
        [[tenant]]
        from = \"key\"
        [[tenant]]
        flow = \"upgrade-*\"
        jq = '.input.customer'
        [[tenant]]
        source = \"other\"
        jq = '.state.owner'"
    ))
    .tenants;
    let told = |source: &str, flow: &str| match book.rule(source, flow) {
        None => "nobody".to_owned(),
        Some(TenantRule::Key) => "key".to_owned(),
        Some(TenantRule::Jq(program)) => program.text().to_owned(),
    };
    assert_eq!(told("restate", "invite-user"), "key");
    assert_eq!(told("restate", "upgrade-plan"), ".input.customer");
    assert_eq!(told("other", "upgrade-plan"), ".state.owner");
    assert!(parse(SMALLEST).tenants.is_empty());
}

#[test]
fn a_mistake_in_a_program_is_told_at_its_place_in_the_file() {
    for (line, place, why) in [
        ("jq = '.input | '", ":6:", "the jq program: expected"),
        ("jq = '.key | nonsense'", ":6:14: ", "the jq program: nonsense/0 is not to be had here"),
        ("jq = \"def f: f; f\"", ":6:11: ", "definitions are not to be had"),
        ("jq = \"\\\"a\\\" | repeat(.)\"", ":6:6: ", "repeat/1 is not to be had"),
        ("jq = 5", ":6:6: ", "must be a text"),
        ("from = \"input\"", ":6:8: ", "\"from\" can only be \"key\""),
        ("from = \"key\"\njq = \".key\"", ":6:8: ", "not both"),
        ("flow = \"a\"", ":5:", "needs \"jq\" or from"),
    ] {
        let error = refused(&format!("{SMALLEST}[[tenant]]\n{line}\n"));
        assert!(error.contains(place) && error.contains(why), "{line}: {error}");
    }
}

#[test]
fn a_file_is_found_read_or_said_to_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("quarterdeck.toml");
    let missing = Config::load(Some(&path), &Flags::default()).unwrap_err();
    assert!(matches!(missing, ConfigError::Unreadable { .. }), "a file that was named has to exist: {missing}");
    std::fs::write(&path, format!("state_dir = \"state\"\n{SMALLEST}")).unwrap();
    let config = Config::load(Some(&path), &Flags::default()).unwrap();
    assert_eq!(config.state_dir, folder.path().join("state"), "a relative path starts from the file's folder");
    std::fs::write(&path, [0xFF, 0xFE]).unwrap();
    assert!(matches!(Config::load(Some(&path), &Flags::default()), Err(ConfigError::Unreadable { .. })));
    std::fs::write(&path, "soka = 1").unwrap();
    let error = Config::load(Some(&path), &Flags::default()).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}:1:1: ", path.display())), "{error}");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_with_a_place_in_it(
        lines in proptest::collection::vec(
            prop_oneof![
                "\\PC{0,20}",
                proptest::sample::select(SMALLEST.lines().map(str::to_owned).collect::<Vec<_>>()),
                "(soak|operator|auth|poll|thresholds|source|ui|keys|view|theme|frame|context\\.[a-z]) = (\"[0-9a-z]{0,3}\"|[0-9]|\\{ \\}|\\[\\])",
                "\\[\\[?(source|threshold|thresholds|ui|keys|view|context\\.[a-z])\\]?\\]",
            ],
            0..8,
        )
    ) {
        let text = lines.join("\n");
        if let Err(ConfigError::Invalid(all)) = Config::parse(&text, "config.toml", None) {
            prop_assert!(!all.is_empty());
            for diagnostic in all {
                let line = text.split('\n').nth(diagnostic.place.line - 1);
                let inside = line.is_some_and(|line| diagnostic.place.column <= line.chars().count() + 1);
                prop_assert!(inside, "{diagnostic}");
                prop_assert!(!diagnostic.message.is_empty() && !diagnostic.explained().is_empty());
            }
        }
    }
}

#[test]
fn fields_that_hold_secrets_and_the_place_of_a_page_are_read() {
    let source = "[[source]]\nname = \"eu\"\nkind = \"restate\"\nurl = \"http://localhost:9070\"\n";
    let read = |text: &str| Config::parse(text, "c.toml", None);
    let config =
        read(&format!("{source}open = \"https://ui/{{source}}/{{id}}\"\n[redact]\nfields = [\"iban\"]\n")).unwrap();
    assert_eq!(config.redact, ["iban"]);
    assert_eq!(config.context.sources[0].open.as_deref(), Some("https://ui/{source}/{id}"));
    for (more, expected) in [
        ("open = \"file:///etc/passwd\"", "must begin with http"),
        ("open = \"http://ui/{name}\"", "only {id}, {flow} and {source}"),
        ("open = \"http://ui/{id\"", "only {id}, {flow} and {source}"),
        ("[redact]\nfields = [\"*\"]", "would hide everything"),
        ("[redact]\nfields = \"iban\"", "a list of texts"),
    ] {
        let error = read(&format!("{source}{more}\n")).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("c.toml:"), "{error}");
    }
}

#[test]
fn a_salt_is_asked_by_a_login_and_by_no_secret_in_the_file() {
    let salt = |more: &str| format!("[[source]]\nname = \"s\"\nkind = \"salt\"\nurl = \"http://salt:8000\"\n{more}\n");
    let login = "auth = { login = { user = \"ops\", password = { env = \"SALT\" } } }";
    let read = |text: &str| with_variables(text, &[("SALT", "hunter2")], Path::new("."));
    let config = read(&salt(&format!("{login}\nstates = [\"cp\"]\ntenant_grain = \"tenant\""))).unwrap();
    let source = &config.context.sources[0];
    assert_eq!((source.check_interval, source.salt.target.as_str()), (SignedDuration::from_mins(5), "*"));
    assert_eq!(
        (&source.salt.states[..], source.salt.tenant_grain.as_deref()),
        (&["cp".to_owned()][..], Some("tenant"))
    );
    let told = source.transport.credentials.as_ref().unwrap().words();
    assert_eq!(told, "login of ops by pam, password from the environment variable SALT");
    for (text, why) in [
        (salt(""), "a salt-api wants auth = { login"),
        (salt("auth = { bearer = { env = \"SALT\" } }"), "a salt-api wants auth = { login"),
        (salt("auth = { login = \"hunter2\" }"), "a secret does not belong in this file"),
        (
            salt("auth = { login = { user = \"ops\", password = \"hunter2\" } }"),
            "a secret does not belong in this file",
        ),
        (salt("auth = { login = { user = \"ops\" } }"), "\"password\" needs either"),
        (salt(&format!("{login}\ntarget = \"\"")), "\"target\" is no name"),
        (source_with(login), "\"login\" is for a source of the kind \"salt\""),
        (source_with("tenant_grain = \"tenant\""), "only a source of the kind \"salt\" has \"tenant_grain\""),
    ] {
        let error = read(&text).expect_err(&text).to_string();
        assert!(error.contains(why) && !error.contains("hunter2"), "{text}: {error}");
    }
}
