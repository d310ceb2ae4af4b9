//! The one table of commands. Keys, footer, help and the command line are all read from it.

use super::keymap::Keymap;
use super::settings::ScreenName;

/// What can be asked of the cockpit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the table says what each one does")]
pub enum CommandId {
    Open,
    Verbs,
    Filter,
    Sort,
    Reverse,
    Group,
    Views,
    Mark,
    MarkRange,
    MarkAll,
    Unmark,
    ShowAll,
    Claim,
    NextPane,
    Copy,
    Board,
    Flows,
    AllFlows,
    Sources,
    NextScreen,
    PreviousScreen,
    Previous,
    Back,
    Out,
    Up,
    Down,
    HalfUp,
    HalfDown,
    PageUp,
    PageDown,
    Top,
    Bottom,
    Refresh,
    Pause,
    Acts,
    Speed,
    CommandLine,
    Help,
    Interrupt,
    Suspend,
    Repaint,
    Theme,
    Mouse,
    Tenant,
    Quit,
    QuitAll,
    UseVerbs,
    Arm,
    Disarm,
    Reload,
    Contexts,
    CopyRow,
    CopyJson,
    CopyCurl,
    CopyStatus,
    Page,
    Compare,
    Chart,
    Zone,
    Raw,
    Log,
    Fold,
    Unfold,
    FoldAll,
    Search,
    SearchNext,
    SearchPrevious,
    Remediations,
    Outside,
    InForce,
    Automations,
    Approvals,
    Run,
    Hold,
    Resume,
    Abort,
    Approve,
    Deny,
    Drift,
    Near,
    Latency,
    Later,
    StepFlows,
    Tenants,
    Events,
    CustomerSide,
    Watch,
    Case,
    Reveal,
    GoTenant,
    GoFlows,
    GoEvents,
    Adopt,
}

/// One command.
#[derive(Debug, PartialEq, Eq)]
pub struct Command {
    /// Which one.
    pub id: CommandId,
    /// Its name: after `:`, and in the config.
    pub name: &'static str,
    /// Other names that it is typed by, which people bring along.
    pub aliases: &'static [&'static str],
    /// What it does, for the help.
    pub doc: &'static str,
    /// Where it can be had; everywhere if empty.
    pub screens: &'static [ScreenName],
    /// Its keys by default: alternatives, each a sequence separated by spaces.
    pub keys: &'static [&'static str],
    /// Its word in the footer, where it is shown there.
    pub hint: Option<&'static str>,
    /// Whether it can be typed after `:`.
    pub typed: bool,
    /// What may be typed after its name, in words for the help: `FILTER`. Nothing may where it is `None`.
    pub words: Option<&'static str>,
}

const BOARD: ScreenName = ScreenName::Board;
const FLOWS: ScreenName = ScreenName::Flows;
const SOURCES: ScreenName = ScreenName::Sources;
const DETAIL: ScreenName = ScreenName::Detail;
const RAW: ScreenName = ScreenName::Raw;
const REMEDIATIONS: ScreenName = ScreenName::Remediations;
const REMEDIATION: ScreenName = ScreenName::Remediation;
const DRIFT: ScreenName = ScreenName::Drift;
const FINDING: ScreenName = ScreenName::Finding;
const TENANTS: ScreenName = ScreenName::Tenants;
const TENANT: ScreenName = ScreenName::Tenant;
const EVENTS: ScreenName = ScreenName::Events;
const EVENT: ScreenName = ScreenName::Event;
const LATENCY: ScreenName = ScreenName::Latency;

const fn command(id: CommandId, name: &'static str, keys: &'static [&'static str], doc: &'static str) -> Command {
    Command { id, name, aliases: &[], doc, screens: &[], keys, hint: None, typed: false, words: None }
}

impl Command {
    const fn on(mut self, screens: &'static [ScreenName]) -> Self {
        self.screens = screens;
        self
    }

    const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    const fn typed(mut self) -> Self {
        self.typed = true;
        self
    }

    /// Can be typed, with or without words after its name.
    const fn takes(mut self, words: &'static str) -> Self {
        self.words = Some(words);
        self.typed()
    }

    /// Can also be typed by these names.
    const fn also(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Every name that it can be typed by.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    /// Whether it can be had on a screen.
    pub fn at(&self, screen: ScreenName) -> bool {
        self.screens.is_empty() || self.screens.contains(&screen)
    }
}

/// Every command, in the order of the footer and the help. None of them changes anything outside the cockpit: the
/// only way to act leads through the verbs, the plan and its review.
pub const TABLE: &[Command] = &[
    command(CommandId::Open, "open", &["enter", "d", "right", "l"], "open what is under the cursor")
        .on(&[BOARD, FLOWS, SOURCES, REMEDIATIONS, DRIFT, TENANTS, TENANT, EVENTS, EVENT])
        .hint("open"),
    command(
        CommandId::Verbs,
        "verbs",
        &["v"],
        "what may be done to it, or to all that is marked: a menu, never an act",
    )
    .on(&[BOARD, FLOWS, DETAIL, REMEDIATIONS, REMEDIATION, DRIFT, FINDING, TENANT])
    .hint("act"),
    command(
        CommandId::Filter,
        "filter",
        &["/"],
        "filter the flows, what drifts, or what has happened; of tenants: find one",
    )
    .on(&[BOARD, FLOWS, DRIFT, TENANTS, EVENTS])
    .hint("filter")
    .takes("TEXT"),
    command(CommandId::StepFlows, "step-flows", &["enter", "d"], "the instances that are in the step under the cursor")
        .on(&[LATENCY])
        .hint("instances"),
    command(CommandId::Later, "later", &["right", "l"], "the slot of time after this one").on(&[LATENCY]),
    command(CommandId::Tenant, "tenant", &["t"], "find a tenant by an id, a name, a domain, an address, and open it")
        .takes("NAME")
        .also(&["ns"]),
    command(CommandId::Chart, "chart", &["tab", "backtab"], "its steps across time, or line by line")
        .on(&[DETAIL])
        .hint("chart"),
    command(CommandId::Raw, "raw", &["J"], "what its engine keeps of it, as JSON, with secrets taken out")
        .on(&[FLOWS, DETAIL])
        .hint("JSON"),
    command(CommandId::Fold, "fold", &["enter", "tab"], "fold or unfold").on(&[RAW]).hint("fold"),
    command(CommandId::Unfold, "unfold", &["right", "l"], "unfold").on(&[RAW]),
    command(CommandId::FoldAll, "fold-all", &["z"], "unfold everything, or fold it; of groups: the one here")
        .on(&[FLOWS, RAW, FINDING])
        .hint("all"),
    command(CommandId::Search, "search", &["/"], "search").on(&[RAW]).hint("search"),
    command(CommandId::SearchNext, "next-hit", &["n"], "the next line that holds what is searched for")
        .on(&[RAW])
        .hint("next"),
    command(CommandId::SearchPrevious, "previous-hit", &["N"], "the line before this one that does").on(&[RAW]),
    command(CommandId::Sort, "sort", &["s"], "sort by a column: a menu with a letter for each")
        .on(&[FLOWS])
        .hint("sort")
        .takes("NAME"),
    command(CommandId::Reverse, "reverse", &["S"], "turn the order round").on(&[FLOWS]),
    command(
        CommandId::Group,
        "group",
        &["b"],
        "group by a column, or not: a menu; a group opens like a row; of drift: by cause or not",
    )
    .on(&[FLOWS, DRIFT])
    .hint("group"),
    command(CommandId::Mark, "mark", &["space"], "mark the instance, or take its mark away").on(&[FLOWS]).hint("mark"),
    command(CommandId::MarkRange, "mark-range", &["V"], "mark from the last mark to here").on(&[FLOWS]),
    command(CommandId::MarkAll, "mark-all", &["*"], "mark all that match, now and later; again: none").on(&[FLOWS]),
    command(CommandId::Unmark, "unmark", &[], "take every mark away, as going back does").typed(),
    command(CommandId::Views, "view", &["w"], "the saved views with their counts; :view save NAME keeps one")
        .on(&[BOARD, FLOWS])
        .hint("views")
        .takes("NAME | save NAME"),
    command(CommandId::Claim, "claim", &["c"], "say that you are on the cohort, have seen it, or put it aside: a menu")
        .on(&[BOARD, FLOWS, DETAIL])
        .hint("claim")
        .typed(),
    command(
        CommandId::Near,
        "near",
        &["n"],
        "what changed before the cohort got stuck, and the drift its tenants share",
    )
    .on(&[BOARD, FLOWS, DETAIL])
    .typed(),
    command(
        CommandId::Latency,
        "latency",
        &["H"],
        "how long steps take against their promises, over 6 hours: of the flow here; there: of all",
    )
    .takes("FLOW")
    .also(&["heatmap"]),
    command(CommandId::ShowAll, "show-all", &["F"], "show flows with nothing stuck and snoozed cohorts, or fold them")
        .on(&[BOARD])
        .hint("all flows"),
    command(CommandId::NextPane, "next-pane", &["tab", "backtab"], "go to the other pane, or part")
        .on(&[BOARD, REMEDIATIONS, REMEDIATION, FINDING, TENANT, LATENCY])
        .hint("pane"),
    command(CommandId::Page, "page", &["o"], "open the engine's own page of it, after a look at its URL")
        .on(&[FLOWS, DETAIL, RAW])
        .hint("engine's page"),
    command(CommandId::Compare, "compare", &["="], "remember it; on another one: compare the two")
        .on(&[FLOWS, DETAIL])
        .hint("compare"),
    command(CommandId::Copy, "copy-id", &["y y"], "copy the id"),
    command(CommandId::CopyRow, "copy-row", &["y r"], "copy the row, with tabs between").on(&[BOARD, FLOWS, DETAIL]),
    command(CommandId::CopyJson, "copy-json", &["y j"], "copy it as JSON")
        .on(&[BOARD, FLOWS, DETAIL, RAW, TENANT, EVENTS, EVENT]),
    command(CommandId::CopyCurl, "copy-curl", &["y c"], "copy the request that reads it, for curl")
        .on(&[FLOWS, DETAIL, RAW]),
    command(CommandId::CopyStatus, "copy-status", &["Y", "y s"], "copy five lines for a chat").on(&[
        BOARD,
        FLOWS,
        DETAIL,
        REMEDIATIONS,
        REMEDIATION,
        TENANT,
    ]),
    command(CommandId::Board, "board", &["1"], "the board: what is stuck, worst first")
        .typed()
        .also(&["home", "pulses"]),
    command(CommandId::Flows, "flows", &["2"], "open or failed instances, with the filter that was in force")
        .takes("FILTER")
        .also(&["instances", "ls"]),
    command(CommandId::AllFlows, "all-flows", &["0"], "every open or failed instance, without a filter").typed(),
    command(CommandId::Tenants, "tenants", &["3"], "whom the flows are for, and who of them is hurt").typed(),
    command(CommandId::Drift, "drift", &["4"], "what is there and is not what is wanted").typed(),
    command(
        CommandId::Remediations,
        "remediations",
        &["5"],
        "what was asked for, waits for approval, runs, and was done",
    )
    .typed()
    .also(&["repairs", "history"]),
    command(CommandId::Outside, "outside", &[], "what was done to the engines, and not by Quarterdeck").typed(),
    command(CommandId::InForce, "in-force", &[], "what is switched off until it is armed again, and borrowed time")
        .typed()
        .also(&["borrowed"]),
    command(
        CommandId::Automations,
        "automations",
        &[],
        "what automations would have done, and whether it would have helped",
    )
    .typed(),
    command(CommandId::Approvals, "approvals", &["A"], "the remediations that wait for approval")
        .typed()
        .also(&["inbox"]),
    command(CommandId::Run, "run", &[], "start a remediation that may be started: its menu, never an act").typed(),
    command(CommandId::Hold, "hold", &[], "send nothing more of a remediation until it is resumed: its menu").typed(),
    command(CommandId::Resume, "resume", &[], "go on with a remediation that is held: its menu, never an act").typed(),
    command(CommandId::Abort, "abort", &[], "end a remediation for good: its menu, never an act").typed(),
    command(CommandId::Approve, "approve", &[], "approve what somebody else has asked for: its menu").typed(),
    command(CommandId::Deny, "deny", &[], "say no to what somebody else has asked for: its menu").typed(),
    command(CommandId::Events, "events", &["7"], "what has happened: changes, deployments, alerts").typed(),
    command(CommandId::CustomerSide, "customer", &["i"], "what the customer may see alone, or everything")
        .on(&[TENANT])
        .hint("customer's side")
        .typed(),
    command(CommandId::Watch, "watch", &["n"], "be told when nothing of theirs is stuck any more")
        .on(&[TENANT])
        .hint("tell me"),
    command(
        CommandId::Case,
        "case",
        &["E"],
        "write the case into two files, Markdown and JSON, without what is personal",
    )
    .on(&[TENANT])
    .hint("export")
    .typed(),
    command(CommandId::Reveal, "reveal", &[], "show a personal field of the open tenant, which is recorded")
        .takes("FIELD REASON"),
    command(CommandId::GoTenant, "go-tenant", &["g t"], "go to its tenant")
        .on(&[FLOWS, DETAIL, DRIFT, FINDING, EVENTS, EVENT]),
    command(CommandId::GoFlows, "go-flows", &["g f"], "go to the flows of its tenant")
        .on(&[DETAIL, DRIFT, FINDING, TENANTS, TENANT, EVENTS, EVENT]),
    command(CommandId::GoEvents, "go-events", &["g v"], "go to what happened to its tenant")
        .on(&[FLOWS, DETAIL, DRIFT, FINDING, TENANTS, TENANT, EVENTS, EVENT]),
    command(CommandId::Adopt, "adopt", &["a"], "say that what is there is what is wanted, or take that back: a form")
        .on(&[DRIFT, FINDING])
        .hint("adopt")
        .typed(),
    command(CommandId::Sources, "sources", &["8"], "the control planes and how fresh they are")
        .typed()
        .also(&["engines"]),
    command(CommandId::NextScreen, "next-screen", &["]"], "the next screen, by its number"),
    command(CommandId::PreviousScreen, "previous-screen", &["["], "the screen before, by its number"),
    command(CommandId::Previous, "previous", &["-"], "the screen before this one"),
    command(CommandId::Back, "back", &["esc"], "one layer back"),
    command(
        CommandId::Out,
        "out",
        &["left", "h"],
        "fold what is open here; of latency: the slot before; else one layer back",
    ),
    command(CommandId::Up, "up", &["up", "k"], "one up"),
    command(CommandId::Down, "down", &["down", "j"], "one down"),
    command(CommandId::HalfUp, "half-up", &["ctrl-u"], "half a page up"),
    command(CommandId::HalfDown, "half-down", &["ctrl-d"], "half a page down"),
    command(CommandId::PageUp, "page-up", &["pgup", "ctrl-b", ","], "a page up"),
    command(CommandId::PageDown, "page-down", &["pgdn", "ctrl-f", "."], "a page down"),
    command(CommandId::Top, "top", &["g g", "home", "<"], "to the first"),
    command(CommandId::Bottom, "bottom", &["G", "g e", "end", ">"], "to the last"),
    command(CommandId::Refresh, "refresh", &["r", "ctrl-r", "R"], "ask the sources now; of drift: check it anew")
        .typed(),
    command(CommandId::Pause, "pause", &["P"], "pause live updates, or go on").typed(),
    command(CommandId::Zone, "zone", &["U"], "show times in UTC, or in the zone of this machine").typed(),
    command(CommandId::Acts, "acts", &["@"], "the last act and how far it has come").typed(),
    command(CommandId::Log, "log", &["L"], "what went wrong and what happened, and where the files of it are").typed(),
    command(CommandId::Speed, "speed", &[], "how fast the demo's time runs: 10 is ten times as fast").takes("N"),
    command(CommandId::Contexts, "context", &["C"], "go to another context, or to the demo world")
        .takes("NAME")
        .also(&["ctx", "contexts"]),
    command(CommandId::Arm, "arm", &[], "let acts through a production context, for 30 minutes at most")
        .takes("[30m] REASON"),
    command(CommandId::Disarm, "disarm", &[], "lock a production context again").typed(),
    command(CommandId::Reload, "reload", &[], "read the config again; it is read by itself when its file changes")
        .typed(),
    command(CommandId::CommandLine, "command-line", &[":", "ctrl-a", "ctrl-p"], "type a command").hint("command"),
    command(CommandId::Help, "help", &["?", "f1"], "the keys of this screen, and what the signs mean")
        .hint("help")
        .typed()
        .also(&["h", "keys", "aliases"]),
    command(CommandId::Theme, "theme", &["T"], "choose the colours").takes("NAME").also(&["skin", "colours", "colors"]),
    command(CommandId::Mouse, "mouse", &[], "listen to the mouse, or leave it to the terminal").takes("on|off"),
    command(CommandId::Interrupt, "interrupt", &["ctrl-c"], "close the input or popup; twice on a screen: quit"),
    command(CommandId::Suspend, "suspend", &["ctrl-z"], "back to the shell; fg comes back"),
    command(CommandId::Repaint, "repaint", &["ctrl-l"], "paint the whole screen anew"),
    command(CommandId::Quit, "quit", &["q"], "one layer back; quits from the board").hint("back/quit"),
    command(CommandId::QuitAll, "q", &[], "quit").typed().also(&["quit", "exit", "qa"]),
    command(CommandId::UseVerbs, "use-verbs", &["x", "D", "ctrl-k", "delete"], "not bound: they destroy elsewhere"),
];

/// The table of keys and commands as the README has it.
pub fn markdown() -> String {
    let mut lines = vec!["| keys | typed | where | does |".to_owned(), "|---|---|---|---|".to_owned()];
    let map = Keymap::default();
    for command in TABLE {
        let keys: Vec<_> = map.labels(command.id).iter().map(|key| format!("`{}`", key.replace('|', "\\|"))).collect();
        let words = command.words.map(|words| format!(" {}", words.replace('|', "\\|"))).unwrap_or_default();
        let typed = if command.typed { format!("`:{}{words}`", command.name) } else { String::new() };
        let places: Vec<_> = command.screens.iter().map(|screen| screen.title()).collect();
        let place = if places.is_empty() { "everywhere".to_owned() } else { places.join(", ") };
        lines.push(format!("| {} | {typed} | {place} | {} |", keys.join(" "), command.doc));
    }
    lines.join("\n")
}

/// A command's entry.
pub fn find(id: CommandId) -> Option<&'static Command> {
    TABLE.iter().find(|command| command.id == id)
}

/// The command that is typed by exactly this name. The ways in which editors are left leave Quarterdeck too.
pub fn exact(name: &str) -> Option<&'static Command> {
    let name = name.trim_end_matches('!');
    TABLE.iter().find(|command| command.typed && command.names().any(|known| known == name))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_command_is_there_once() {
        let ids: HashSet<_> = TABLE.iter().map(|command| command.id).collect();
        let names: HashSet<_> = TABLE.iter().map(|command| command.name).collect();
        assert_eq!((ids.len(), names.len()), (TABLE.len(), TABLE.len()));
        let all: Vec<_> = TABLE.iter().filter(|command| command.typed).flat_map(Command::names).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "no name is another's too: {all:?}");
        assert!(TABLE.iter().all(|command| command.typed || command.aliases.is_empty()));
    }

    #[test]
    fn a_command_is_found_by_its_whole_name() {
        for left in ["q", "q!", "qa", "qa!", "quit"] {
            assert_eq!(exact(left).map(|command| command.id), Some(CommandId::QuitAll), "{left}");
        }
        assert_eq!(exact("ns").map(|command| command.id), Some(CommandId::Tenant));
        assert!(exact("verbs").is_none() && exact("sour").is_none());
    }
}
