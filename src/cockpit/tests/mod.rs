//! The cockpit against a hub of hand-made data.

mod acting;
mod arming;
mod claims;
mod contexts;
mod drift;
pub(in crate::cockpit) mod fake;
mod flowless;
mod frames;
mod groups;
mod keys;
mod latency;
mod log;
mod many;
mod marks;
mod mouse;
mod moving;
mod newcomers;
mod palette;
mod pictures;
mod policies;
mod records;
mod refresh;
mod reload;
mod remediations;
mod runbooks;
mod silent;
mod suspects;
mod tenants;
mod typing;
mod whole;

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::cockpit::app::App;
use crate::cockpit::draw::draw;
use crate::cockpit::keymap::Key;
use crate::cockpit::msg::{Ask, Effect, Msg};
use crate::cockpit::runtime::effects::answer;
use crate::cockpit::text;
use crate::cockpit::theme::Styles;
use crate::cockpit::update::{start, update};
use crate::ops::Ops as _;

/// A cockpit with a hub, driven by hand: each key is followed by the answers to what it made the cockpit ask.
struct Desk {
    app: App,
    ops: Arc<fake::FakeOps>,
    runtime: tokio::runtime::Runtime,
    now: Timestamp,
    /// What was to be done, questions aside.
    done: Vec<Effect>,
}

impl Desk {
    fn new() -> Self {
        Self::with(fake::FakeOps::default())
    }

    fn with(ops: fake::FakeOps) -> Self {
        let now = fake::now();
        let app = App::new(fake::settings(), (120, 34), now);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut desk = Self { app, ops: Arc::new(ops), runtime, now, done: Vec::new() };
        let effects = start(&mut desk.app);
        desk.settle(effects);
        desk
    }

    fn settle(&mut self, effects: Vec<Effect>) {
        let mut queue: VecDeque<Effect> = effects.into();
        let mut asked = 0;
        while let Some(effect) = queue.pop_front() {
            match effect {
                Effect::Ask(ticket, ask) => {
                    asked += 1;
                    assert!(asked < 50, "questions beget questions: {ask:?}");
                    let reply = self.runtime.block_on(answer(&*self.ops, ask));
                    queue.extend(update(&mut self.app, Msg::Reply(ticket, reply), self.now));
                }
                Effect::Act { ticket, plan_hash, reason } => {
                    self.done.push(Effect::Act { ticket, plan_hash: plan_hash.clone(), reason: reason.clone() });
                    let reply = self.runtime.block_on(self.ops.remediate(&plan_hash, &reason));
                    let reply = crate::cockpit::msg::Answer::Act(Box::new(reply));
                    queue.extend(update(&mut self.app, Msg::Reply(ticket, reply), self.now));
                }
                Effect::Request { ticket, request } => {
                    self.done.push(Effect::Request { ticket, request: request.clone() });
                    let reply = crate::cockpit::msg::Answer::Request(self.runtime.block_on(self.ops.request(&request)));
                    queue.extend(update(&mut self.app, Msg::Reply(ticket, reply), self.now));
                }
                Effect::Review { ticket, review } => {
                    self.done.push(Effect::Review { ticket, review: review.clone() });
                    let reply = self.runtime.block_on(self.ops.review(&review));
                    let reply = crate::cockpit::msg::Answer::WideReview(reply);
                    queue.extend(update(&mut self.app, Msg::Reply(ticket, reply), self.now));
                }
                Effect::Control { ticket, id, control } => {
                    self.done.push(Effect::Control { ticket, id: id.clone(), control });
                    let reply = self.runtime.block_on(self.ops.control(&id, control));
                    let reply = crate::cockpit::msg::Answer::Control(control, reply);
                    queue.extend(update(&mut self.app, Msg::Reply(ticket, reply), self.now));
                }
                Effect::Claim { ticket, request } => {
                    self.done.push(Effect::Claim { ticket, request: request.clone() });
                    let reply = crate::cockpit::msg::Answer::Claim(self.runtime.block_on(self.ops.claim(request)));
                    queue.extend(update(&mut self.app, Msg::Reply(ticket, reply), self.now));
                }
                Effect::Rearm { ticket, id, reason } => {
                    self.done.push(Effect::Rearm { ticket, id: id.clone(), reason: reason.clone() });
                    let reply = self.runtime.block_on(self.ops.rearmed(&id, &reason));
                    let reply = crate::cockpit::msg::Answer::Rearm(reply);
                    queue.extend(update(&mut self.app, Msg::Reply(ticket, reply), self.now));
                }
                other => self.done.push(other),
            }
        }
    }

    /// Presses keys, named as in the table and separated by spaces.
    fn keys(&mut self, keys: &str) {
        for name in keys.split_whitespace() {
            let effects = self.press(name);
            self.settle(effects);
        }
    }

    /// Presses one key, and leaves what it asks unanswered.
    fn press(&mut self, name: &str) -> Vec<Effect> {
        update(&mut self.app, Msg::Key(Key::parse(name).unwrap().event()), self.now)
    }

    fn wait(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
        let effects = update(&mut self.app, Msg::Tick, self.now);
        self.settle(effects);
    }

    /// The screen as text.
    fn picture(&self) -> String {
        let (width, height) = self.app.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        draw(&self.app, &Styles::default(), &mut buffer);
        text(&buffer)
    }

    fn change(&mut self) {
        let effects = update(&mut self.app, Msg::Changed(8), self.now);
        self.settle(effects);
    }
}

fn asks(effects: &[Effect]) -> Vec<&Ask> {
    effects.iter().filter_map(|effect| if let Effect::Ask(_, ask) = effect { Some(ask) } else { None }).collect()
}
