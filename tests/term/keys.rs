//! Keys, as a terminal sends them.

/// What a terminal sends for a key.
pub(super) fn encoded(key: &str) -> Vec<u8> {
    let text = match key {
        "enter" => "\r",
        "esc" => "\x1b",
        "tab" => "\t",
        "backtab" => "\x1b[Z",
        "space" => " ",
        "up" => "\x1b[A",
        "down" => "\x1b[B",
        "right" => "\x1b[C",
        "left" => "\x1b[D",
        "home" => "\x1b[H",
        "end" => "\x1b[F",
        "pgup" => "\x1b[5~",
        "pgdn" => "\x1b[6~",
        "delete" => "\x1b[3~",
        "backspace" => "\x7f",
        "f1" => "\x1bOP",
        other => match other.strip_prefix("ctrl-") {
            Some(letter) => return vec![letter.as_bytes()[0] & 0x1f],
            None => {
                assert_eq!(other.chars().count(), 1, "no key is called {other:?}");
                other
            }
        },
    };
    text.as_bytes().to_vec()
}
