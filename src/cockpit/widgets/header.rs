//! The two lines at the top: where one is, how fresh everything is, and what it adds up to.

use ratatui::layout::Rect;
use ratatui::text::Span;

use super::numbers::{blind, flowless, grouped, plural, signed, silence, sum};
use super::pen::{Pen, width};
use crate::cockpit::app::App;
use crate::cockpit::command::CommandId;
use crate::cockpit::hit::Hit;
use crate::cockpit::many::words::through;
use crate::cockpit::remote::Remote;
use crate::cockpit::settings::{Badge, Colours, ScreenName};
use crate::domain::source::{Freshness, SourceStatus};
use crate::domain::time::{age, since};
use crate::domain::wide::WideState;
use crate::ops::Overview;

/// Draws both lines.
pub(crate) fn draw(app: &App, pen: &mut Pen<'_>, area: Rect) {
    pen.clear(area, pen.styles.bar);
    if area.height > 0 {
        first(app, pen, Rect { height: 1, ..area });
    }
    if area.height > 1 {
        second(app, pen, Rect { y: area.y + 1, height: 1, ..area });
    }
}

fn first(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let styles = pen.styles;
    let (word, style) = match app.settings.badge {
        Badge::Demo => (" DEMO ".to_owned(), styles.badge_demo),
        Badge::Normal => (format!(" {} ", app.settings.context), styles.badge_normal),
        Badge::Production => (format!(" {} PRODUCTION ", app.settings.context), styles.badge_production),
    };
    let mut left = vec![Span::styled(word, style)];
    if let Some(speed) = app.settings.speed.filter(|speed| (speed - 1.0).abs() > f64::EPSILON) {
        left.push(Span::styled(format!(" {speed}x "), styles.badge_note));
    }
    if app.read_only().is_some() {
        left.push(Span::styled(" READ-ONLY ", styles.badge_note));
    } else if let Some(armed) = app.armed() {
        left.push(Span::styled(format!(" ARMED {} ", age(since(app.now, armed.until))), styles.badge_note));
    } else if app.settings.writable {
        left.push(Span::styled(" WRITE ", styles.badge_note));
    }
    if let Some(words) = unverified(app, area.width) {
        left.push(Span::styled(words, styles.badge_note));
    }
    if let Some(since_when) = app.paused {
        // What is on screen is from then; ages go on, since time does.
        left.push(Span::styled(format!(" PAUSED since {} ", app.times.clock(since_when)), styles.badge_note));
    }
    let running = app.running().len();
    if running > 0 {
        left.push(Span::styled(
            format!(" {} {} running ", pen.glyphs.busy, plural(running as u64, "act")),
            styles.badge_note,
        ));
    }
    if !app.shows_customer() {
        left.extend(remediations(app, pen));
        left.extend(in_force(app, pen, area.width));
    }
    let time = format!("{} {} ", app.times.clock(app.now), app.times.zone(app.now));
    let mut right = vec![Span::styled(time, styles.bar_strong)];
    if area.width >= 60 {
        right.insert(0, Span::styled(format!("{}  ", app.settings.operator), styles.bar));
    }
    let right_width = columns(&right).min(area.width);
    let used = pen.spans(area.x, area.y, area.width.saturating_sub(right_width), &left);
    pen.spans(area.right() - right_width, area.y, right_width, &right);
    let from = area.x + used + 1;
    // What is silent is no business of a customer's.
    if app.shows_customer() {
        return;
    }
    sources(app, pen, Rect { x: from, width: (area.right() - right_width).saturating_sub(from + 1), ..area });
}

/// How many remediations wait for approval, and how far the one that runs has come.
fn remediations(app: &App, pen: &Pen<'_>) -> Vec<Span<'static>> {
    let styles = pen.styles;
    let mut badges = Vec::new();
    let waiting = app.remediations.in_state(|state| state == WideState::AwaitingApproval).count();
    if waiting > 0 {
        badges.push(Span::styled(format!(" APPROVALS {waiting} "), styles.badge_note));
    }
    for (word, is) in [("RUN", WideState::runs as fn(WideState) -> bool), ("HELD", |state| state == WideState::Held)] {
        let mut all = app.remediations.in_state(is);
        let Some(head) = all.next() else { continue };
        let more = all.count();
        let more = if more > 0 { format!(" +{more}") } else { String::new() };
        let (through, total) = (grouped(through(&head.counts)), grouped(head.counts.total()));
        badges.push(Span::styled(format!(" {word} {through}/{total}{more} "), styles.badge_note));
    }
    badges
}

/// How much is switched off, and how many exceptions end by themselves, where there is room for it.
fn in_force(app: &App, pen: &Pen<'_>, width: u16) -> Vec<Span<'static>> {
    let (off, borrowed) = app.records.badge(app.now);
    let badge = |word: &str, count: usize| {
        (count > 0 && width >= 100).then(|| Span::styled(format!(" {word} {count} "), pen.styles.badge_note))
    };
    badge("OFF", off).into_iter().chain(badge("BORROWED", borrowed)).collect()
}

/// Which sources are believed without their certificate having been verified.
fn unverified(app: &App, width: u16) -> Option<String> {
    let sources = &app.overview.value()?.sources;
    let names: Vec<&str> =
        sources.iter().filter(|source| source.unverified).map(|source| source.name.as_str()).collect();
    match names.as_slice() {
        [] => None,
        [name] if width >= 100 || name.chars().count() <= 16 => Some(format!(" TLS UNVERIFIED {name} ")),
        [_] => Some(" TLS UNVERIFIED ".to_owned()),
        names => Some(format!(" TLS UNVERIFIED {} sources ", names.len())),
    }
}

/// Each source with its age; those that do not fit are counted.
fn sources(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let Some(overview) = app.overview.value() else {
        let text = match &app.overview {
            Remote::Failed(error) => format!("{} {error}", pen.glyphs.bad),
            _ => format!("{} asking", pen.glyphs.busy),
        };
        pen.text(area.x, area.y, area.width, &text, pen.styles.bar.patch(pen.styles.stale));
        return;
    };
    // Those that are not well come first where not all fit.
    let mut all: Vec<&SourceStatus> = overview.sources.iter().collect();
    let spans: Vec<_> = all.iter().map(|source| badge(app, pen, source)).collect();
    let total: u16 = spans.iter().map(|spans| columns(spans) + 2).sum();
    if total > area.width + 2 {
        all.sort_by_key(|source| source.state == Freshness::Live);
    }
    let mut x = area.x;
    for (at, source) in all.iter().enumerate() {
        let spans = badge(app, pen, source);
        let rest = all.len() - at - 1;
        let more = if rest > 0 { 4 } else { 0 };
        if x + columns(&spans) + more > area.right() {
            pen.text(x, area.y, area.right().saturating_sub(x), &format!("+{}", rest + 1), pen.styles.bar);
            return;
        }
        x += pen.spans(x, area.y, area.right() - x, &spans) + 2;
    }
}

fn badge(app: &App, pen: &Pen<'_>, source: &SourceStatus) -> [Span<'static>; 2] {
    let styles = pen.styles;
    let old = source.age(app.now).map(age);
    let (word, style) = match source.state {
        Freshness::Live => (old.unwrap_or_default(), styles.ok),
        Freshness::Stale => (format!("? {}", old.unwrap_or_default()), styles.stale),
        Freshness::Failed => (format!("{} never answered", pen.glyphs.bad), styles.failed),
        Freshness::Never => (format!("{} asking", pen.glyphs.busy), styles.recheck),
    };
    [Span::styled(format!("{} ", source.name), styles.bar), Span::styled(word, styles.bar.patch(style))]
}

/// The screens that can be gone to from anywhere.
const TABS: [(CommandId, ScreenName); 7] = [
    (CommandId::Board, ScreenName::Board),
    (CommandId::Flows, ScreenName::Flows),
    (CommandId::Tenants, ScreenName::Tenants),
    (CommandId::Drift, ScreenName::Drift),
    (CommandId::Remediations, ScreenName::Remediations),
    (CommandId::Events, ScreenName::Events),
    (CommandId::Sources, ScreenName::Sources),
];

/// Those that have something to show in this context, and the one that is shown.
fn shown_tabs(app: &App) -> impl Iterator<Item = (CommandId, ScreenName)> {
    TABS.into_iter().filter(|(_, screen)| app.has(*screen) || app.screen().list() == *screen)
}

/// How much the names of the screens say, by the room there is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tabs {
    /// Every title.
    Whole,
    /// The longest one shortened.
    Short,
    /// The present screen's title, and the keys of the others.
    Keys,
}

/// The names of the screens, with the keys that lead there.
fn tabs(app: &App, pen: &Pen<'_>, how: Tabs, drift: Option<u64>) -> Vec<Span<'static>> {
    let styles = pen.styles;
    let tab = |(id, screen): (CommandId, ScreenName)| {
        let here = app.screen().list() == screen;
        let style = if here { styles.tab_active } else { styles.tab };
        let title = match (how, screen) {
            (Tabs::Keys, _) if !here => "",
            (Tabs::Short | Tabs::Keys, ScreenName::Remediations) => "Acts",
            _ => screen.title(),
        };
        let name = format!("{} {title}", app.keymap.label(id));
        let behind = match drift.filter(|_| screen == ScreenName::Drift) {
            Some(critical) => Span::styled(format!(" {}! ", grouped(critical)), styles.bar.patch(styles.warning)),
            None => Span::styled("  ", styles.bar),
        };
        [Span::styled(name.trim_end().to_owned(), style), behind]
    };
    shown_tabs(app).flat_map(tab).collect()
}

fn second(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let (totals, drift) = if app.shows_customer() { Default::default() } else { (totals(app, pen), drift(app, pen)) };
    let with_drift: Vec<Span<'static>> = totals.iter().cloned().chain(drift).collect();
    let fits = |totals: &[Span<'_>], tabs: &[Span<'_>]| area.width > columns(totals) + columns(tabs) + 2;
    // Where there is no room for both, the names of the screens are worth more: one of them says it, too.
    let beside = critical(app).filter(|_| !app.shows_customer());
    let tried = [
        (&with_drift, Tabs::Whole, None),
        (&with_drift, Tabs::Short, None),
        (&totals, Tabs::Short, beside),
        (&with_drift, Tabs::Keys, None),
        (&totals, Tabs::Keys, beside),
    ];
    let tried = tried.map(|(totals, how, beside)| (totals, self::tabs(app, pen, how, beside)));
    let none = (&totals, Vec::new());
    let (totals, tabs) = tried.into_iter().find(|(totals, tabs)| fits(totals, tabs)).unwrap_or(none);
    let used = 1 + columns(totals);
    let room = columns(&tabs);
    pen.spans(area.x + 1, area.y, area.width.saturating_sub(room + 1), totals);
    if room > 0 {
        pen.spans(area.right() - room, area.y, room, &tabs);
        let mut x = area.right() - room;
        for ((id, _), spans) in shown_tabs(app).zip(tabs.chunks(2)) {
            let wide = columns(spans);
            pen.hit(Rect { x, width: wide, ..area }, Hit::Command(id));
            x += wide;
        }
    }
    rule(app, pen, area, used, room);
}

/// The colour of the context on the second line: its first column, which is always free, and what is free between the
/// numbers and the tabs. Where no colour is set or shown there is none: a rule alone would say nothing.
fn rule(app: &App, pen: &mut Pen<'_>, area: Rect, used: u16, right: u16) {
    if app.settings.accent.is_none() || app.settings.colours == Colours::None {
        return;
    }
    let style = pen.styles.bar.patch(pen.styles.header_rule);
    pen.text(area.x, area.y, 1, pen.glyphs.bar, style);
    for x in area.x.saturating_add(used + 2)..area.right().saturating_sub(right + 1) {
        pen.text(x, area.y, 1, pen.glyphs.rule, style);
    }
}

/// `STUCK 382 · 118 tenants · HELD 3 · FAILED 12 · BLIND 1 source · DRIFT 2 critical`.
fn totals(app: &App, pen: &Pen<'_>) -> Vec<Span<'static>> {
    let styles = pen.styles;
    let strong = styles.bar_strong;
    let dot = || Span::styled(format!(" {} ", pen.glyphs.part), styles.bar);
    let Some(overview) = app.overview.value() else {
        return vec![
            Span::styled("STUCK ?", strong),
            dot(),
            Span::styled("HELD ?", strong),
            dot(),
            Span::styled("FAILED ?", strong),
        ];
    };
    if flowless(overview) {
        let mut spans = vec![Span::styled("NO FLOWS TOLD", styles.bar)];
        spans.extend(silent(pen, overview));
        return spans;
    }
    let stuck = sum(overview, |cell| cell.counts.stuck);
    let mut spans = vec![Span::styled(
        format!("STUCK {}", stuck.show()),
        if stuck.any_live && stuck.live > 0 { styles.bar.patch(styles.stuck) } else { strong },
    )];
    if let Some(growth) = overview.trend.as_ref().and_then(|trend| trend.growth).filter(|_| stuck.any_live) {
        let style = if growth > 0 { styles.bar.patch(styles.warning) } else { styles.bar };
        spans.push(Span::styled(format!(" {}/5m", signed(growth)), style));
    }
    if stuck.any_live {
        let more = stuck.any_blind || overview.stuck_without_tenant > 0;
        let tenants = match (overview.stuck_tenants, more) {
            (0, true) => "? tenants".to_owned(),
            (known, true) => format!("{}+? tenants", grouped(known)),
            (known, false) => plural(known, "tenant"),
        };
        spans.push(dot());
        spans.push(Span::styled(tenants, styles.bar));
    } else if let Some(silent) = silence(overview, app.now) {
        spans.push(Span::styled(format!(" was {}, {} ago", stuck.was, age(silent)), styles.bar));
    }
    let held = sum(overview, |cell| cell.counts.held);
    let failed = sum(overview, |cell| cell.counts.failed);
    spans.push(dot());
    spans.push(Span::styled(format!("HELD {}", held.show()), styles.bar));
    spans.push(dot());
    spans.push(Span::styled(format!("FAILED {}", failed.show()), styles.bar));
    spans.extend(silent(pen, overview));
    spans
}

/// How much has drifted that is critical, where any has.
fn critical(app: &App) -> Option<u64> {
    app.overview.value().and_then(|overview| overview.critical_drift).filter(|critical| *critical > 0)
}

/// The same behind the other numbers.
fn drift(app: &App, pen: &Pen<'_>) -> Vec<Span<'static>> {
    let Some(critical) = critical(app) else { return Vec::new() };
    let style = pen.styles.bar.patch(pen.styles.warning);
    let text = format!("DRIFT {} critical", grouped(critical));
    vec![Span::styled(format!(" {} ", pen.glyphs.part), pen.styles.bar), Span::styled(text, style)]
}

/// How many sources are silent, where any is.
fn silent(pen: &Pen<'_>, overview: &Overview) -> Vec<Span<'static>> {
    let blind = blind(overview);
    if blind == 0 {
        return Vec::new();
    }
    let styles = pen.styles;
    let text = format!("BLIND {}", plural(blind as u64, "source"));
    let dot = Span::styled(format!(" {} ", pen.glyphs.part), styles.bar);
    vec![dot, Span::styled(text, styles.bar.patch(styles.warning))]
}

fn columns(spans: &[Span<'_>]) -> u16 {
    u16::try_from(spans.iter().map(|span| width(&span.content)).sum::<usize>()).unwrap_or(u16::MAX)
}
