use super::*;

const DEPTHS: [Colours; 4] = [Colours::TrueColour, Colours::Indexed, Colours::Sixteen, Colours::None];

fn with(name: &str, text: &str) -> Themes {
    let mut themes = Themes::default();
    themes.add(name.to_owned(), text.to_owned());
    themes
}

#[test]
fn every_theme_can_be_read_in_every_depth() {
    let themes = Themes::default();
    assert_eq!(themes.names().len(), 7);
    for name in themes.names() {
        for colours in DEPTHS {
            let styles = themes.styles(Some(name), colours).unwrap();
            assert_ne!(styles.selected, Style::new(), "{name}");
        }
    }
}

#[test]
fn every_theme_passes_its_check() {
    let themes = Themes::default();
    for name in themes.names() {
        let report = themes.check(name).unwrap();
        let faults: Vec<_> = report.findings.iter().filter(|finding| finding.weight == Weight::Fault).collect();
        assert!(report.passes(), "{name}: {faults:#?}");
        let wanted = if name == "high-contrast" { 7.0 } else { 3.0 };
        let texts =
            report.contrasts.iter().filter(|(style, ..)| !style.starts_with("popup_") && *style != "button_off");
        assert!(texts.clone().all(|(_, ratio, _)| *ratio >= wanted), "{name}");
        assert!(texts.count() > 30, "{name}");
    }
    let blind = themes.check("colour-blind").unwrap();
    assert!(blind.nearest_without_green.2 >= 15.0, "{:?}", blind.nearest_without_green);
}

#[test]
fn the_check_finds_what_is_wrong() {
    let dark = |extra: &str| with("mine", &format!("inherits = \"dark\"\n{extra}")).check("mine").unwrap();
    let said =
        |report: &Report| report.findings.iter().map(|finding| finding.text.clone()).collect::<Vec<_>>().join("\n");
    let faint = dark("[palette]\nfaint = [\"#303030\", \"dark_gray\"]");
    assert!(
        !faint.passes() && said(&faint).contains("faint on the ground of selected: contrast 1."),
        "{}",
        said(&faint)
    );
    let same = dark("[palette]\ngreen = [\"#ff7f88\", \"light_red\"]");
    assert!(said(&same).contains("ok and stuck are 0.0 apart"), "{}", said(&same));
    assert!(said(&same).contains("ok and stuck fall together in 16 colours"), "{}", said(&same));
    let unseen = dark("[style]\nbutton = { fg = \"text\", bg = \"text\" }");
    assert!(said(&unseen).contains("button: contrast 1.00"), "{}", said(&unseen));
}

#[test]
fn a_theme_has_from_the_one_it_inherits_what_it_does_not_say() {
    let themes = with("mine", "inherits = \"dark\"\n[palette]\nred = \"#00ff00\"\n[style]\ntitle = { fg = \"red\" }");
    let (mine, dark) =
        (themes.styles(Some("mine"), DEPTHS[0]).unwrap(), themes.styles(Some("dark"), DEPTHS[0]).unwrap());
    assert_eq!(mine.stuck.fg, Some(Color::Rgb(0, 255, 0)));
    assert_eq!(mine.title.fg, Some(Color::Rgb(0, 255, 0)));
    assert_eq!(mine.ok, dark.ok);
    // Without a named colour the nearest stands in.
    assert_eq!(themes.styles(Some("mine"), Colours::Sixteen).unwrap().stuck.fg, Some(Color::LightGreen));
}

#[test]
fn an_own_theme_may_stand_in_front_of_an_embedded_one_and_inherit_it() {
    let themes = with("dark", "inherits = \"dark\"\n[palette]\nred = \"#00ff00\"");
    assert_eq!(themes.names().len(), 7);
    assert!(themes.is_own("dark"));
    assert_eq!(themes.styles(None, DEPTHS[0]).unwrap().stuck.fg, Some(Color::Rgb(0, 255, 0)));
    // Others inherit the one in front.
    assert_eq!(themes.styles(Some("light"), DEPTHS[0]).unwrap().stuck.fg, Some(Color::Rgb(179, 24, 42)));
}

#[test]
fn a_circle_ends() {
    let mut themes = with("one", "inherits = \"two\"");
    themes.add("two".to_owned(), "inherits = \"one\"".to_owned());
    assert!(themes.styles(Some("one"), DEPTHS[0]).unwrap_err().contains("in a circle"));
}

#[test]
fn without_colours_there_is_no_colour() {
    let styles = Themes::default().styles(None, Colours::None).unwrap();
    assert_eq!((styles.stuck.fg, styles.stuck.bg), (None, None));
    assert!(styles.selected.add_modifier.contains(Modifier::REVERSED));
}

#[test]
fn a_wrong_name_is_answered_with_the_nearest() {
    let said = |text: &str| with("mine", text).styles(Some("mine"), Colours::TrueColour).unwrap_err();
    assert_eq!(said("[style]\nslected = {}"), "no style is called \"slected\"; is \"selected\" meant?");
    assert!(said("inherits = \"drak\"").contains("there is none called \"drak\"; is \"dark\" meant?"));
    assert!(said("").contains("the style \"ground\" is missing"));
    assert!(said("inherits = \"dark\"\n[style]\nok = { fg = \"gren\" }").contains("is \"green\" meant?"));
    assert!(said("inherits = \"dark\"\n[palette]\nred = \"reddish\"").contains("\"reddish\" is no colour"));
    assert!(Themes::default().styles(Some("drak"), Colours::None).unwrap_err().contains("there are: dark, light"));
}

#[test]
fn an_accent_tints_the_badge_and_can_be_read() {
    for (colour, sixteen, text) in [
        ("red", Color::Red, Color::White),
        ("yellow", Color::Yellow, Color::Black),
        ("#ff8800", Color::Red, Color::White),
        ("#102040", Color::Black, Color::White),
    ] {
        let mut styles = Themes::default().styles(None, Colours::Sixteen).unwrap();
        styles.accent(colour, Colours::Sixteen).unwrap();
        assert_eq!((styles.badge_normal.bg, styles.badge_normal.fg), (Some(sixteen), Some(text)), "{colour}");
        styles.accent(colour, Colours::TrueColour).unwrap();
        assert_eq!(styles.badge_production.bg, Some(colour.parse().unwrap()));
        let before = styles.clone();
        styles.accent(colour, Colours::None).unwrap();
        assert_eq!(styles.badge_normal, before.badge_normal, "without colours nothing is tinted");
    }
    assert!(Themes::default().styles(None, Colours::Sixteen).unwrap().accent("redish", Colours::Sixteen).is_err());
}
