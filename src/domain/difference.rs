//! What differs between what is wanted and what is there, as far as a source tells it: safe to show, with secrets taken
//! out and a bound on its size.

use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use similar::{ChangeTag, TextDiff};

use super::hash::digest;
use super::raw::Json;
use super::redact::Redactor;
use super::text::SafeText;

/// The most lines of a patch that are kept; what follows is counted.
pub const LINES: usize = 10_000;

/// How many lines around a change are shown.
const AROUND: usize = 3;

/// The longest line that is kept, in characters.
const LINE: usize = 2_000;

/// So long two documents are told apart line by line as finely as can be.
const DIFF_TAKES: Duration = Duration::from_millis(100);

/// What differs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Difference {
    /// The source does not tell what.
    #[default]
    Untold,
    /// A patch that makes what is there into what is wanted. Behind `-` stands what is there and not wanted, behind `+`
    /// what is wanted and not there.
    Patch(Patch),
    /// What is wanted and what is there.
    Documents(Documents),
    /// It is no text, says the source.
    Binary,
}

/// A patch in unified format, line by line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    /// Its lines, without secrets.
    pub lines: Vec<SafeText>,
    /// How many lines more it had.
    pub more: usize,
    /// Lines that are taken away, those that are not kept among them.
    pub removes: usize,
    /// Lines that are added.
    pub adds: usize,
    /// A hash of all of it, as it was told.
    whole: [u8; 16],
}

/// What is wanted and what is there, as documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Documents {
    /// What is wanted; `None` where it is wanted not to be.
    pub desired: Option<Json>,
    /// What is there; `None` where it is not.
    pub observed: Option<Json>,
    /// A hash of both as they were told: secrets that differ are seen to differ in this alone.
    whole: [u8; 16],
}

impl Documents {
    /// Reads two documents.
    pub fn of(desired: Option<&Value>, observed: Option<&Value>, redactor: &Redactor) -> Self {
        let json = |value: Option<&Value>| value.map(|value| Json::of(value, redactor));
        Self::masked((json(desired), desired), (json(observed), observed))
    }

    /// The same where a source says itself what must not be shown: each as it may be shown, and as it is.
    pub fn masked(desired: (Option<Json>, Option<&Value>), observed: (Option<Json>, Option<&Value>)) -> Self {
        let text = |value: Option<&Value>| value.map_or_else(|| "absent".to_owned(), ToString::to_string);
        let whole = head(format!("{}\n{}", text(desired.1), text(observed.1)).as_bytes());
        Self { desired: desired.0, observed: observed.0, whole }
    }

    /// Whether they differ in something that is not shown.
    pub fn differ_in_secret(&self) -> bool {
        self.desired == self.observed
    }
}

impl Documents {
    fn lines(&self) -> Vec<DiffLine> {
        let text = |json: Option<&Json>| {
            json.map_or_else(String::new, |json| serde_json::to_string_pretty(json).unwrap_or_default() + "\n")
        };
        let (there, wanted) = (text(self.observed.as_ref()), text(self.desired.as_ref()));
        // What takes longer to be told apart finely is told apart more roughly.
        let diff = TextDiff::configure().timeout(DIFF_TAKES).diff_lines(&there, &wanted);
        let mut lines = Vec::new();
        for change in diff.iter_all_changes() {
            let side = match change.tag() {
                ChangeTag::Equal => Side::Both,
                ChangeTag::Delete => Side::There,
                ChangeTag::Insert => Side::Wanted,
            };
            let text = SafeText::clipped(change.value().trim_end_matches('\n'), LINE);
            lines.push(DiffLine { side, text });
        }
        if self.differ_in_secret() {
            let text = "what differs is not shown: it is secret".into();
            lines.push(DiffLine { side: Side::Note, text });
        }
        lines
    }
}

/// On which side a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// It is there and wanted.
    Both,
    /// It is there, and not wanted.
    There,
    /// It is wanted, and not there.
    Wanted,
    /// It is about the lines.
    Note,
}

impl Side {
    /// The sign before a line in unified form.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Both => " ",
            Self::There => "-",
            Self::Wanted => "+",
            Self::Note => "",
        }
    }
}

/// A line of what differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    /// On which side it stands.
    pub side: Side,
    /// What it says.
    pub text: SafeText,
}

/// The same lines, of long runs of lines that are alike only those next to a change; a note says how many there are
/// between.
pub fn folded(lines: &[DiffLine]) -> Vec<DiffLine> {
    let alike = |line: &DiffLine| line.side == Side::Both;
    let mut shown = Vec::with_capacity(lines.len().min(1_000));
    let mut rest = lines;
    let mut first = true;
    while let Some(line) = rest.first() {
        let run = rest.iter().take_while(|line| alike(line)).count();
        if run == 0 {
            shown.push(line.clone());
            rest = rest.get(1..).unwrap_or_default();
            first = false;
            continue;
        }
        let (both, behind) = rest.split_at(run);
        // Nothing that changes stands before the first line, nor behind the last one.
        let head = if first { 0 } else { AROUND };
        let tail = if behind.is_empty() { 0 } else { AROUND };
        if run > head + tail + 1 {
            shown.extend(both.iter().take(head).cloned());
            let text = format!("… {} lines that are alike", run - head - tail).into();
            shown.push(DiffLine { side: Side::Note, text });
            shown.extend(both.iter().skip(run - tail).cloned());
        } else {
            shown.extend(both.iter().cloned());
        }
        rest = behind;
        first = false;
    }
    shown
}

/// Lines of what differs as pairs of their places: what is wanted, and what is there in its place. A note stands on both
/// sides.
pub fn side_by_side(lines: &[DiffLine]) -> Vec<(Option<usize>, Option<usize>)> {
    let mut pairs = Vec::with_capacity(lines.len());
    let (mut wanted, mut there) = (Vec::new(), Vec::new());
    let flush = |wanted: &mut Vec<usize>, there: &mut Vec<usize>, pairs: &mut Vec<_>| {
        let rows = wanted.len().max(there.len());
        pairs.extend((0..rows).map(|row| (wanted.get(row).copied(), there.get(row).copied())));
        wanted.clear();
        there.clear();
    };
    for (at, line) in lines.iter().enumerate() {
        match line.side {
            Side::Wanted => wanted.push(at),
            Side::There => there.push(at),
            Side::Both | Side::Note => {
                flush(&mut wanted, &mut there, &mut pairs);
                pairs.push((Some(at), Some(at)));
            }
        }
    }
    flush(&mut wanted, &mut there, &mut pairs);
    pairs
}

fn head(bytes: &[u8]) -> [u8; 16] {
    let mut head = [0; 16];
    head.iter_mut().zip(Sha256::digest(bytes)).for_each(|(to, from)| *to = from);
    head
}

impl Patch {
    /// Reads a patch. What stands before its first hunk is its names.
    ///
    /// ```
    /// use quarterdeck::domain::{difference::Patch, redact::Redactor};
    ///
    /// let patch = Patch::read("--- \n+++ \n@@ -1 +1 @@\n-password=hunter2\n+# none\n", &Redactor::default());
    /// assert_eq!((patch.removes, patch.adds), (1, 1));
    /// assert_eq!(patch.lines[3], "-password=[redacted]");
    /// ```
    pub fn read(text: &str, redactor: &Redactor) -> Self {
        let mut patch = Self { whole: head(text.as_bytes()), ..Self::default() };
        // A secret may span lines, so that it is taken out of the whole first.
        let hidden = redactor.text(text);
        let mut in_hunk = false;
        for line in hidden.lines() {
            in_hunk |= line.starts_with("@@");
            if in_hunk || !(line.starts_with("---") || line.starts_with("+++")) {
                patch.removes += usize::from(line.starts_with('-'));
                patch.adds += usize::from(line.starts_with('+'));
            }
            if patch.lines.len() < LINES {
                patch.lines.push(SafeText::clipped(line, LINE));
            } else {
                patch.more += 1;
            }
        }
        patch
    }
}

impl Difference {
    /// A short hash of it, equal as long as it is the same.
    pub fn digest(&self) -> SafeText {
        let number = |whole: &[u8; 16]| u128::from_be_bytes(*whole).to_string();
        match self {
            Self::Untold => digest(&["untold"], 6),
            Self::Binary => digest(&["binary"], 6),
            Self::Patch(patch) => digest(&["patch", &number(&patch.whole)], 6),
            Self::Documents(documents) => digest(&["documents", &number(&documents.whole)], 6),
        }
    }

    /// What differs line by line, as far as it is told: what is there and not wanted, what is wanted and not there, and what
    /// is alike. [`folded`] leaves long runs of the last out.
    pub fn lines(&self) -> Vec<DiffLine> {
        let note = |text: &str| DiffLine { side: Side::Note, text: text.into() };
        match self {
            Self::Untold => vec![note("what differs is not told")],
            Self::Binary => vec![note("it is no text, so that there is nothing to show")],
            Self::Patch(patch) => {
                let mut in_hunk = false;
                let mut lines: Vec<DiffLine> = Vec::with_capacity(patch.lines.len());
                for line in &patch.lines {
                    in_hunk |= line.starts_with("@@");
                    let names = !in_hunk && (line.starts_with("---") || line.starts_with("+++"));
                    let (side, text) = match line.chars().next() {
                        Some('@') => (Side::Note, line.as_str()),
                        _ if names => (Side::Note, line.as_str()),
                        Some('-') => (Side::There, line.get(1..).unwrap_or_default()),
                        Some('+') => (Side::Wanted, line.get(1..).unwrap_or_default()),
                        Some(' ') => (Side::Both, line.get(1..).unwrap_or_default()),
                        _ => (Side::Note, line.as_str()),
                    };
                    lines.push(DiffLine { side, text: text.into() });
                }
                if patch.more > 0 {
                    lines.push(note(&format!("{} lines more", patch.more)));
                }
                lines
            }
            Self::Documents(both) => both.lines(),
        }
    }

    /// How much of what is there is lost when it is made what is wanted: lines of a patch, values of a document. Those
    /// are confirmed apart. `None` where the source does not tell.
    pub fn removes(&self) -> Option<usize> {
        match self {
            Self::Untold | Self::Binary => None,
            Self::Patch(patch) => Some(patch.removes),
            Self::Documents(both) => Some(lost(both.desired.as_ref(), both.observed.as_ref())),
        }
    }
}

impl Difference {
    /// Why nobody can have seen all of it; `None` where it is told whole. What is secret differs unseen, and counts as told.
    pub fn unseen(&self) -> Option<String> {
        match self {
            Self::Untold => Some("its source does not tell what differs".to_owned()),
            Self::Binary => Some("what differs is no text, so that nobody has seen it".to_owned()),
            Self::Patch(patch) if patch.more == 1 => Some("1 line of what differs is not kept to be seen".to_owned()),
            Self::Patch(patch) if patch.more > 0 => {
                Some(format!("{} lines of what differs are not kept to be seen", patch.more))
            }
            Self::Patch(_) => None,
            Self::Documents(both) => [&both.desired, &both.observed]
                .into_iter()
                .flatten()
                .any(is_cut)
                .then(|| "what differs is too much to be seen whole".to_owned()),
        }
    }
}

impl Difference {
    /// How much of what is wanted is not there, and so is given up by whoever adopts what is: lines of a patch, values of a
    /// document. `None` where the source does not tell.
    pub fn lacks(&self) -> Option<usize> {
        match self {
            Self::Untold | Self::Binary => None,
            Self::Patch(patch) => Some(patch.adds),
            Self::Documents(both) => Some(lost(both.observed.as_ref(), both.desired.as_ref())),
        }
    }
}

/// Whether something of it was left out because it is too much.
fn is_cut(json: &Json) -> bool {
    match json {
        Json::Long(..) | Json::More(..) => true,
        Json::Within(json) => is_cut(json),
        Json::List(list) => list.iter().any(is_cut),
        Json::Object(fields) => fields.iter().any(|(_, value)| is_cut(value)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::Hidden => false,
    }
}

/// How many values of what is there have no place in what is wanted.
fn lost(desired: Option<&Json>, observed: Option<&Json>) -> usize {
    match (desired, observed) {
        (_, None | Some(Json::Null)) => 0,
        (Some(Json::Object(wanted)), Some(Json::Object(there))) => there
            .iter()
            .map(|(name, value)| {
                lost(wanted.iter().find(|(other, _)| other == name).map(|(_, value)| value), Some(value))
            })
            .sum(),
        (Some(Json::List(wanted)), Some(Json::List(there))) => {
            there.iter().filter(|value| !wanted.contains(value)).count()
        }
        // Another value in its place.
        (Some(wanted), Some(there)) if !matches!(wanted, Json::Null) => usize::from(wanted != there),
        (None | Some(_), Some(there)) => values(there),
    }
}

fn values(json: &Json) -> usize {
    match json {
        Json::Null => 0,
        Json::List(list) => list.iter().map(values).sum(),
        Json::Object(fields) => fields.iter().map(|(_, value)| values(value)).sum(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn documents(desired: &Value, observed: &Value) -> Documents {
        let of = |value: &Value| Some(value.clone()).filter(|value| *value != json!("absent"));
        Documents::of(of(desired).as_ref(), of(observed).as_ref(), &Redactor::default())
    }

    #[test]
    fn names_of_a_patch_are_none_of_its_lines() {
        let text = "--- /etc/motd\n+++ salt://motd\n@@ -1,3 +1,2 @@\n a\n--- b\n-c\n+++ d\n";
        let patch = Patch::read(text, &Redactor::default());
        assert_eq!((patch.removes, patch.adds, patch.lines.len(), patch.more), (2, 1, 7, 0));
        // Without a hunk's head every line counts but the names.
        let patch = Patch::read("--- a\n+++ b\n-x\n", &Redactor::default());
        assert_eq!((patch.removes, patch.adds), (1, 0));
    }

    #[test]
    fn a_patch_that_is_too_long_is_counted_to_its_end_and_hashed_whole() {
        let text = |last: &str| format!("@@ -1 +1 @@\n{}{last}", "-a\n".repeat(50_000));
        let one = Patch::read(&text("-b"), &Redactor::default());
        assert_eq!((one.lines.len(), one.more, one.removes), (LINES, 50_002 - LINES, 50_001));
        let other = Patch::read(&text("-c"), &Redactor::default());
        assert_eq!(one.lines, other.lines);
        assert_ne!(Difference::Patch(one).digest(), Difference::Patch(other).digest());
    }

    #[test]
    fn control_characters_do_not_get_through() {
        let patch = Patch::read("@@ -1 +1 @@\n-\u{1b}[2Jx\n", &Redactor::default());
        assert!(!patch.lines[1].contains('\u{1b}'), "{:?}", patch.lines);
    }

    #[test]
    fn what_a_document_loses_is_what_is_there_and_not_wanted() {
        let removes = |desired, observed| Difference::Documents(documents(&desired, &observed)).removes();
        assert_eq!(removes(json!({"a": 1, "b": 2}), json!({"a": 1})), Some(0), "only added to");
        assert_eq!(removes(json!({"a": 1}), json!({"a": 1, "b": {"c": 2, "d": [3, 4]}})), Some(3));
        assert_eq!(removes(json!({"a": 1}), json!({"a": 2})), Some(1), "another value takes its place");
        assert_eq!(removes(json!({"a": [1, 2]}), json!({"a": [2, 3]})), Some(1));
        assert_eq!(removes(json!({"a": null}), json!({"a": 2})), Some(1));
        assert_eq!(removes(json!("absent"), json!(true)), Some(1));
        assert_eq!(removes(json!(true), json!("absent")), Some(0));
        assert_eq!((Difference::Untold.removes(), Difference::Binary.removes()), (None, None));
    }

    fn told(lines: &[DiffLine]) -> Vec<String> {
        lines.iter().map(|line| format!("{}{}", line.side.sign(), line.text)).collect()
    }

    #[test]
    fn what_differs_is_told_line_by_line_and_side_by_side() {
        let patch = Patch::read("--- a\n+++ b\n@@ -1,2 +1,3 @@\n same\n-old\n+new\n+more\n", &Redactor::default());
        let lines = Difference::Patch(patch).lines();
        assert_eq!(told(&lines), ["--- a", "+++ b", "@@ -1,2 +1,3 @@", " same", "-old", "+new", "+more"]);
        let pairs = side_by_side(&lines[3..]);
        let text = |at: Option<usize>| at.map_or("-", |at| lines[3 + at].text.as_str()).to_owned();
        let pairs: Vec<(String, String)> = pairs.into_iter().map(|(one, other)| (text(one), text(other))).collect();
        let expected = [("same", "same"), ("new", "old"), ("more", "-")];
        assert_eq!(pairs, expected.map(|(one, other)| (one.to_owned(), other.to_owned())));
        let lines = Difference::Documents(documents(&json!({ "a": 1, "b": 2 }), &json!({ "a": 1, "b": 3 }))).lines();
        assert_eq!(told(&lines), [" {", "   \"a\": 1,", "-  \"b\": 3", "+  \"b\": 2", " }"]);
        let lines = Difference::Documents(documents(&json!("absent"), &json!([1]))).lines();
        assert_eq!(told(&lines), ["-[", "-  1", "-]"]);
        assert_eq!(told(&Difference::Untold.lines()), ["what differs is not told"]);
    }

    #[test]
    fn long_runs_of_what_is_alike_are_folded() {
        let line = |side: Side, n: usize| DiffLine { side, text: n.to_string().into() };
        let mut lines: Vec<DiffLine> = (0..20).map(|n| line(Side::Both, n)).collect();
        lines.push(line(Side::There, 20));
        lines.extend((21..28).map(|n| line(Side::Both, n)));
        lines.push(line(Side::Wanted, 28));
        lines.extend((29..37).map(|n| line(Side::Both, n)));
        lines.push(line(Side::There, 37));
        lines.extend((38..50_000).map(|n| line(Side::Both, n)));
        let shown = told(&folded(&lines));
        let expected = [
            "… 17 lines that are alike",
            " 17",
            " 18",
            " 19",
            "-20",
            " 21",
            " 22",
            " 23",
            " 24",
            " 25",
            " 26",
            " 27",
            "+28",
            " 29",
            " 30",
            " 31",
            "… 2 lines that are alike",
            " 34",
            " 35",
            " 36",
            "-37",
            " 38",
            " 39",
            " 40",
            "… 49959 lines that are alike",
        ];
        assert_eq!(shown, expected);
        assert_eq!(folded(&lines[19..22]), lines[19..22]);
        assert!(folded(&[]).is_empty());
    }

    #[test]
    fn a_secret_that_changed_is_not_shown_and_makes_another_version() {
        let of = |there: &str| documents(&json!({ "password": "a" }), &json!({ "password": there }));
        let (one, other) = (of("b"), of("c"));
        assert!(one.differ_in_secret() && one.observed == other.observed);
        assert_ne!(Difference::Documents(one).digest(), Difference::Documents(other).digest());
        assert!(!documents(&json!({ "a": 1 }), &json!({ "a": 2 })).differ_in_secret());
    }
}
