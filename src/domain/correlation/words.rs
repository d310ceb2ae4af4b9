//! Words of what was changed and of what got stuck, made alike enough to be compared: `schema-svc` and
//! `schema-migration` share one, and `provisioner` is like `provisioning`.

/// Words that say nothing of a place: those that hold sentences together, and those that every service has.
const IDLE: [&str; 38] = [
    "and", "are", "but", "for", "from", "had", "has", "have", "its", "not", "now", "off", "out", "the", "was", "were",
    "with", "while", "does", "did", "any", "all", "again", "after", "ago", "before", "because", "this", "that", "then",
    "than", "service", "svc", "server", "internal", "example", "com", "net",
];

/// The shortest word that counts.
const SHORTEST: usize = 3;

/// The words of a text, in small letters. Numbers, what is masked and what is idle are left out.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = String> {
    let mut masked = false;
    // What stands in angle brackets was masked: it is nobody's word.
    let bare: String = text
        .chars()
        .map(|c| {
            masked = c == '<' || masked && c != '>';
            if masked { ' ' } else { c }
        })
        .collect();
    let lowered = bare.to_lowercase();
    let words: Vec<String> = lowered.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect();
    words.into_iter().filter(|word| {
        word.chars().count() >= SHORTEST
            && word.chars().filter(|c| c.is_alphabetic()).count() >= SHORTEST
            && !IDLE.contains(&word.as_str())
    })
}

/// Whether two words have one stem: the longer one is mostly how the shorter one begins.
pub(super) fn alike(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let shared = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let longer = one.chars().count().max(other.chars().count());
    // `invoice` and `invoicing`, `metering` and `meter`; but not `direct` and `directory`'s many relations by chance.
    shared >= 4 && shared * 5 >= longer * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_says_something() {
        let of = |text: &str| tokens(text).collect::<Vec<_>>();
        assert_eq!(of("connect ECONNREFUSED <host> while creating <key>"), ["connect", "econnrefused", "creating"]);
        assert_eq!(of("db-primary 16.4 is out in eu-west-1"), ["primary", "west"]);
        assert_eq!(of("a < b"), Vec::<String>::new());
    }

    #[test]
    fn words_of_one_stem_are_alike_and_others_are_not() {
        for (one, other) in [
            ("provisioning", "provisioner"),
            ("invoice", "invoicing"),
            ("meter", "metering"),
            ("payment", "payments"),
            ("backup", "backups"),
        ] {
            assert!(alike(one, other) && alike(other, one), "{one} {other}");
        }
        for (one, other) in [("deploy", "database"), ("plan", "planet-express"), ("card", "cart"), ("sms", "smtp")] {
            assert!(!alike(one, other), "{one} {other}");
        }
    }
}
