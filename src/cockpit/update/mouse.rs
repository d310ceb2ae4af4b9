//! The mouse: what a click and the wheel do. Nothing that acts: in a review a click gives the focus, and only Enter
//! presses a button.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use jiff::SignedDuration;

use super::moving::{self, Step};
use super::{acting, claims, keys, menus, prompt};
use crate::cockpit::app::{App, Focus, Level, Popup};
use crate::cockpit::command::CommandId;
use crate::cockpit::draw::hits;
use crate::cockpit::hit::{Hit, Place};
use crate::cockpit::msg::Effect;
use crate::cockpit::tenants::TenantPane;
use crate::ops::SortBy;

/// Two clicks on one row within this time open it.
const DOUBLE: SignedDuration = SignedDuration::from_millis(500);

/// How many rows or lines one notch of the wheel moves.
const NOTCH: usize = 3;

/// What a click on a button says.
pub(super) const FOCUS: &str = "a click gives the focus; Enter presses the button";

pub(super) fn mouse(app: &mut App, event: MouseEvent) -> Vec<Effect> {
    if !app.settings.mouse {
        return Vec::new();
    }
    let at = (event.column, event.row);
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => {
            // What was begun with keys is not gone on with by a click.
            app.pressed.clear();
            click(app, at)
        }
        MouseEventKind::ScrollUp => wheel(app, at, Step::Up),
        MouseEventKind::ScrollDown => wheel(app, at, Step::Down),
        _ => Vec::new(),
    }
}

/// What is under the pointer: what was drawn last lies on top.
fn under(app: &App, at: (u16, u16)) -> Option<Hit> {
    hits(app).into_iter().rev().find(|(area, _)| area.contains(at.into())).map(|(_, hit)| hit)
}

fn click(app: &mut App, at: (u16, u16)) -> Vec<Effect> {
    if app.message.as_ref().is_some_and(|message| message.level == Level::Info) {
        app.message = None;
    }
    let Some(hit) = under(app, at) else { return Vec::new() };
    let before = app.clicked.replace((app.now, hit));
    let twice = before.is_some_and(|(when, what)| what == hit && app.now.duration_since(when) <= DOUBLE);
    if twice {
        app.clicked = None;
    }
    // While something is typed, the rest of the screen is only looked at.
    if app.prompt.is_some() && !matches!(hit, Hit::Row(..)) {
        return Vec::new();
    }
    match hit {
        Hit::Command(id) => keys::command(app, id),
        Hit::Row(place, index) => row(app, place, index, twice),
        Hit::Area(Place::Board(pane)) => {
            app.board.pane = pane;
            Vec::new()
        }
        Hit::Sort(by) => sort(app, by),
        Hit::Review(focus) => focus_review(app, focus),
        Hit::Leave(yes) => {
            if let Some(Popup::Quit { leave }) = &mut app.popup {
                *leave = yes;
            }
            app.say(Level::Info, FOCUS);
            Vec::new()
        }
        Hit::Button(at) => {
            acting::focus_button(app, at);
            Vec::new()
        }
        Hit::Claim(part) => {
            claims::clicked(app, part);
            Vec::new()
        }
        Hit::Fold(index) => {
            let _ = moving::select_flow(app, index);
            menus::fold(app)
        }
        Hit::Close => acting::close(app),
        Hit::Area(_) | Hit::Nothing => Vec::new(),
    }
}

fn row(app: &mut App, place: Place, index: usize, twice: bool) -> Vec<Effect> {
    match place {
        Place::Board(pane) => {
            app.board.pane = pane;
            moving::select_on_board(app, index);
        }
        Place::Flows => {
            let effects = moving::select_flow(app, index);
            if !twice || app.prompt.is_some() {
                return effects;
            }
        }
        Place::Sources => {
            let overview = app.overview.value();
            app.source = overview.and_then(|overview| Some(overview.sources.get(index)?.name.clone()));
        }
        Place::Remediations => {
            let effects = super::remediations::select(app, index);
            if !twice || app.prompt.is_some() {
                return effects;
            }
        }
        Place::Drift => {
            let effects = super::drift::select(app, index);
            if !twice || app.prompt.is_some() {
                return effects;
            }
        }
        Place::Latency => {
            app.latency.select(index);
            if twice && app.prompt.is_none() {
                return super::latency::follow(app);
            }
            return Vec::new();
        }
        Place::Tenants => {
            app.tenants.select(index);
        }
        Place::TenantCard => {
            app.tenants.pane = TenantPane::Card;
            app.tenants.thing = index;
        }
        Place::Timeline => {
            let effects = super::tenants::select_row(app, index);
            if !twice {
                return effects;
            }
        }
        Place::Events => {
            let effects = super::events::select(app, index);
            if !twice || app.prompt.is_some() {
                return effects;
            }
        }
        Place::Popup => return acting::popup_row(app, index, twice),
        Place::Offers => return prompt::choose(app, index, twice),
        Place::Text => return Vec::new(),
    }
    if twice && app.prompt.is_none() { keys::command(app, CommandId::Open) } else { Vec::new() }
}

/// The order of a column; once more turns it round.
fn sort(app: &mut App, by: SortBy) -> Vec<Effect> {
    if app.flows.sort == by {
        app.flows.reverse = !app.flows.reverse;
    } else {
        app.flows.sort = by;
        app.flows.reverse = false;
    }
    vec![moving::requery(app)]
}

fn focus_review(app: &mut App, focus: Focus) -> Vec<Effect> {
    if let Some(Popup::Review(review)) = &mut app.popup {
        review.focus = focus;
        if focus != Focus::Reason {
            app.say(Level::Info, FOCUS);
        }
    }
    Vec::new()
}

fn wheel(app: &mut App, at: (u16, u16), step: Step) -> Vec<Effect> {
    let place = match under(app, at) {
        Some(Hit::Row(place, _) | Hit::Area(place)) => place,
        Some(Hit::Sort(_)) => Place::Flows,
        _ => return Vec::new(),
    };
    let mut effects = Vec::new();
    for _ in 0..NOTCH {
        match place {
            Place::Board(pane) => {
                // The list under the pointer moves, and the focus stays where it is.
                let focus = std::mem::replace(&mut app.board.pane, pane);
                moving::step(app, step);
                app.board.pane = focus;
            }
            Place::Popup => acting::popup_step(app, step),
            Place::Offers => prompt::step(app, step),
            Place::TenantCard | Place::Timeline => {
                // The part under the pointer moves, and the focus stays where it is.
                let pane = if place == Place::Timeline { TenantPane::Timeline } else { TenantPane::Card };
                let focus = std::mem::replace(&mut app.tenants.pane, pane);
                effects.extend(moving::step(app, step));
                app.tenants.pane = focus;
            }
            Place::Flows
            | Place::Text
            | Place::Sources
            | Place::Remediations
            | Place::Drift
            | Place::Tenants
            | Place::Latency
            | Place::Events => effects.extend(moving::step(app, step)),
        }
    }
    effects
}
