use crate::config::{Config, ConfigError, PolicySettings};
use crate::domain::freeze::{FreezeKind, InFlight, When};
use crate::domain::policy::{Decision, Limits, Mode};

const SOURCE: &str = "[[source]]\nname = \"eu\"\nkind = \"restate\"\nurl = \"http://localhost:9070\"\n";

fn read(text: &str) -> Result<PolicySettings, ConfigError> {
    Config::parse(&format!("{text}\n{SOURCE}"), "config.toml", None).map(|config| config.policies)
}

fn refused(text: &str) -> String {
    match read(text) {
        Err(error) => error.to_string(),
        Ok(settings) => panic!("{text}: {settings:?}"),
    }
}

#[test]
fn nothing_said_is_nobody_in_any_role_and_the_limits_that_always_hold() {
    let settings = read("").unwrap();
    assert!(
        settings.policies.is_empty() && settings.freezes.is_empty() && settings.roles.0.is_empty() && !settings.solo
    );
    assert_eq!(settings.limits, Limits::default());
    let said = read("[limits]\napproval_above = 50\nbreak_glass = \"4h\"\nzone = \"UTC\"\n").unwrap();
    assert_eq!(said.limits, Limits::default(), "what the example shows as the default is it");
}

#[test]
fn a_policy_and_a_freeze_are_read_with_what_they_leave_out() {
    let settings = read(
        "[roles]\nlead = [\"ana\", \"bo\"]\n[[policy]]\nname = \"a\"\nwhen = \"true\"\ndecision = \"require-approval\"\nreason = \" why \"\n\
         [[freeze]]\nname = \"f\"\nfrom = 2026-12-24T18:00:00+01:00\nuntil = \"2026-12-27T08:00:00\"\nzone = \"Europe/Berlin\"\nreason = \"r\"\n",
    )
    .unwrap();
    let policy = &settings.policies[0].policy;
    assert_eq!((&*policy.reason, policy.mode), ("why", Mode::Enforce));
    assert!(
        matches!(&policy.decision, Decision::RequireApproval(needed) if needed.approve == 1 && needed.roles.is_empty())
    );
    let freeze = &settings.freezes[0].freeze;
    assert_eq!((freeze.kind, freeze.in_flight, freeze.selector.as_str()), (FreezeKind::Deny, InFlight::Finish, ""));
    let When::Once(window) = &freeze.when else { panic!("{freeze:?}") };
    assert_eq!(window.from.to_string(), "2026-12-24T17:00:00Z");
    assert_eq!(window.until.to_string(), "2026-12-27T07:00:00Z");
}

#[test]
fn everything_that_is_wrong_is_told_at_its_place() {
    let text = r#"solo = "yes"

[roles]
lead = ["ana"]
"two words" = ["bo"]
empty = [" "]

[limits]
approval_abov = 3
zone = "Europe/Berlni"

[[limits.cap]]
roles = ["laed"]

[[policy]]
name = "a"
whn = 'true'
decision = "denny"
reason = ""
mode = "shadw"

[[policy]]
name = "a"
when = 'true'
decision = "require-approval"
approvals = 2
roles = ["lead"]
reason = "r"

[[policy]]
name = "b"
when = 'true'
decision = "deny"
approvals = 2
reason = "r"

[[freeze]]
name = "f"
from = "tomorrow"
until = "2026-12-27T08:00:00Z"
kind = "allow-only"
override_roles = ["leadd"]
in_flight = "stop"
reason = "r"

[[freeze]]
name = "g"
cron = "0 25 * * *"
for = "99999h"
reason = "r"

[[freeze]]
name = "h"
cron = "0 0 30 2 *"
for = "1h"
zone = "Mars/Olympus"
reason = "r"

[[freeze]]
name = "i"
cron = "0 1 * * *"
from = "2026-12-27T08:00:00Z"
reason = "r"

[[freeze]]
name = "j"
cron = "0 1 * * *"

[[freeze]]
name = "k"
from = "2026-12-27T08:00:00Z"
until = "2026-12-24T08:00:00Z"
reason = "r"
"#;
    insta::assert_snapshot!(refused(text));
}

#[test]
fn where_lines_stand_makes_no_difference_to_what_is_said() {
    let policy = "[[policy]]\nname = \"a\"\nwhen = \"true\"\ndecision = \"deny\"\nreason = \"r\"\n";
    let debug = |text: &str| format!("{:?}", read(text).unwrap());
    assert_eq!(debug(policy), debug(&format!("# first\n\n{policy}")));
    assert_ne!(debug(policy), debug(&policy.replace("true", "false")));
}
