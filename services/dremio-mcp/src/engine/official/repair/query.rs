//! `RunSqlQuery`, of both the child and the gateway. The child submits the statement, through the
//! egress proxy and its guard, which knows for which call that is. Then the job is the gateway's:
//! it waits for it, reads the rows from Dremio and writes the answer as the native engine does, so
//! that numbers keep their digits, a long result has its first rows and a handle, and a long query
//! outlives its call.

use super::super::CurrentChild;
use super::super::connection::Answer;
use super::Repair;
use crate::egress::{Submitted, Waits};
use crate::engine::CallContext;
use crate::engine::native::tool_result;
use crate::engine::tools::{Failure, Progress, RunSqlQuery, ToolRoom};
use crate::policy::JobPlace;
use crate::rpc::{Message, Params};

impl Repair {
    pub(super) async fn run_sql_query(
        &self,
        room: &ToolRoom,
        child: &CurrentChild,
        request: &Message,
        params: &Params<'_>,
        context: &CallContext,
        mut progress: Progress<'_>,
    ) -> Answer {
        let query = match RunSqlQuery::read(room, params.arguments) {
            Ok(query) => query,
            Err(failure) => return Ok(tool_result(Err(failure))),
        };
        let place = match admitted(room, &query) {
            Ok(place) => place,
            Err(failure) => return Ok(tool_result(Err(failure))),
        };
        // The child would say in words of its own what it cannot help.
        if let Err(cause) = progress.during("SUBMITTING", room.jobs.dremio().check_token()).await {
            return Ok(tool_result(Err(cause.into())));
        }
        let open = self.opened(context, Waits::Gateway);
        let asked = child.call(request, context, open.as_ref());
        let answer = progress.during("SUBMITTING", asked).await?;
        match open.map(|open| open.submitted()) {
            Some(Submitted::Job(mut job)) => {
                drop(answer);
                job.take_place(place);
                let rows = query.of_job(room, *job, &mut progress).await;
                Ok(tool_result(room.counted(rows)))
            }
            Some(Submitted::Refused(refusal)) => {
                Ok(tool_result(Err(RunSqlQuery::refused(room, &refusal))))
            }
            // The child did not get so far, and says why.
            Some(Submitted::Nothing) | None => Ok(self.repaired(answer)),
        }
    }
}

/// What a limited caller asks is decided before the child sees it, and again at the egress proxy,
/// as for all.
fn admitted(room: &ToolRoom, query: &RunSqlQuery<'_>) -> Result<Option<JobPlace>, Failure> {
    if !room.gate.caller().is_some_and(|caller| caller.is_limited()) {
        return Ok(None);
    }
    room.check_budgets()?;
    query.check(room)?;
    room.begin_query()
}
