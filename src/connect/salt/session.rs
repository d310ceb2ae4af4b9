//! Who asks: a token that the salt-api gives for a login (`POST /login`), sent along as `X-Auth-Token`.
//!
//! A token ends by itself, or with the server. So it is asked for anew a minute before its end; and a question that is
//! refused for it is asked once more with a new one, once. An act never is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::config::Scheme;
use crate::connect::ConnectError;
use crate::connect::answer::Object;
use crate::connect::http::{Answer, Client};

/// The header that the token is sent as.
const HEADER: &str = "x-auth-token";

/// So long before its end a token is taken for ended.
const BEFORE_ITS_END: Duration = Duration::from_secs(60);

/// No token is believed to last longer.
const LASTS_AT_MOST: f64 = 30.0 * 24.0 * 3_600.0;

/// Who asks.
pub(super) struct Session {
    /// When the token ends, while there is one. Held while one is asked for, so that one login serves all who wait.
    until: tokio::sync::Mutex<Option<Instant>>,
    /// How many logins there were.
    logins: AtomicU64,
}

#[derive(Deserialize)]
struct Login {
    #[serde(rename = "return")]
    given: Vec<Given>,
}

#[derive(Deserialize)]
struct Given {
    token: String,
    start: Option<f64>,
    expire: Option<f64>,
}

impl Session {
    pub(super) fn new() -> Self {
        Self { until: tokio::sync::Mutex::default(), logins: AtomicU64::new(0) }
    }

    /// Makes sure that there is a token; gives which login it is of. `refused` is the login whose token was refused.
    pub(super) async fn sign_in(&self, http: &Client, refused: Option<u64>) -> Result<u64, ConnectError> {
        let mut until = self.until.lock().await;
        let logins = self.logins.load(Ordering::SeqCst);
        let good = until.is_some_and(|until| Instant::now() < until) && refused.is_none_or(|refused| refused < logins);
        if good {
            return Ok(logins);
        }
        *until = None;
        http.carry_token(None)?;
        // What a server refused may have been replaced beside the config, so that it is looked at after it was read.
        let Some(who) = http.login_renewed().await? else {
            return Err(ConnectError::Refused("a salt-api wants auth = { login = … }".into()));
        };
        let Scheme::Login { user, eauth } = who.scheme() else {
            return Err(ConnectError::Refused("a salt-api wants auth = { login = … }".into()));
        };
        let body = json!({"username": user, "password": who.secret().expose_secret(), "eauth": eauth});
        let Object(Login { given }) = http.post_json("/login", &body).await?.value;
        let [Given { token, start, expire }] = &given[..] else {
            return Err(ConnectError::BadAnswer("/login: the server gave no token".into()));
        };
        let lasting = start.zip(*expire).map_or(LASTS_AT_MOST, |(start, expire)| expire - start);
        let lasting = if lasting.is_finite() { lasting.clamp(0.0, LASTS_AT_MOST) } else { LASTS_AT_MOST };
        let lasting = Duration::from_secs_f64(lasting);
        http.carry_token(Some((HEADER, token)))?;
        // One that lasts hardly longer is asked for again and again, and not for each question.
        *until = Some(Instant::now() + lasting.saturating_sub(BEFORE_ITS_END).max(lasting / 2));
        Ok(self.logins.fetch_add(1, Ordering::SeqCst) + 1)
    }

    /// Asks, and once more with a new token where the one that there is was refused.
    pub(super) async fn ask(&self, http: &Client, body: &Value) -> Result<Answer<Vec<u8>>, ConnectError> {
        let login = self.sign_in(http, None).await?;
        match http.post_bytes("/", body).await {
            Err(ConnectError::Refused(_)) if http.refused() || self.logins.load(Ordering::SeqCst) > login => {
                self.sign_in(http, Some(login)).await?;
                http.post_bytes("/", body).await
            }
            answer => answer,
        }
    }
}
