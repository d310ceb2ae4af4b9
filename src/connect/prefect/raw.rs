//! What the engine keeps of one run, as it gave it: the run, its states, its tasks, its log.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::ask;
use super::{ConnectError, Prefect};
use crate::connect::answer::{Object, Row};
use crate::domain::raw::{Json, RawFlow, RawPart, Told};

#[derive(Deserialize)]
#[serde(transparent)]
struct AnyRow(Map<String, Value>);

impl Row for AnyRow {
    const MOST: usize = 20_000;
}

impl Prefect {
    /// Everything that the engine keeps of one run. The caller has checked the id.
    pub(super) async fn read_raw(&self, id: &str) -> Result<Option<RawFlow>, ConnectError> {
        let run = match self.http.get_json::<Object<AnyRow>>(&format!("/flow_runs/{id}")).await {
            Ok(answer) => answer.value.0.0,
            Err(ConnectError::NotFound(why)) => return self.not_there(why).await,
            Err(error) => return Err(error),
        };
        let ids = [id];
        let (tasks, logs) = (ask::task_runs(&ids, true, 0), ask::logs_of(id));
        let states = format!("/flow_run_states/?flow_run_id={id}");
        let (states, tasks, logs) = tokio::try_join!(
            self.http.get_bytes(&states),
            self.strict::<AnyRow>("/task_runs/filter", &tasks),
            self.strict::<AnyRow>("/logs/filter", &logs),
        )?;
        let states = self.read_list::<AnyRow>("/flow_run_states/", &states.value)?;
        let input = match run.get("parameters") {
            Some(parameters) => Told::Json(self.json(parameters)),
            None => Told::Not("the engine tells none".into()),
        };
        let records = vec![
            RawPart { name: "run", told: Told::Json(self.json(&Value::Object(run))) },
            RawPart { name: "states", told: self.rows(states, "there is none") },
            RawPart { name: "log", told: self.rows(logs, "nothing was logged") },
        ];
        let output = Told::Not("results are kept where the flow puts them, and not by the engine".into());
        Ok(Some(RawFlow { input, output, steps: self.rows(tasks, "no task has begun"), records }))
    }

    fn json(&self, value: &Value) -> Json {
        Json::of(value, &self.redactor)
    }

    fn rows(&self, rows: Vec<AnyRow>, none: &str) -> Told {
        if rows.is_empty() {
            return Told::Not(none.into());
        }
        Told::Json(Json::List(rows.into_iter().map(|AnyRow(row)| self.json(&Value::Object(row))).collect()))
    }
}
