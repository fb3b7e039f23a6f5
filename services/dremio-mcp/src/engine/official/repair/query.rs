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
use crate::engine::tools::{Progress, RunSqlQuery, ToolRoom};
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
        let open = self.opened(context, Waits::Gateway);
        let asked = async { child.get().await?.call(request, Some(context), open.as_ref()).await };
        let answer = progress.during("SUBMITTING", asked).await?;
        match open.map(|open| open.submitted()) {
            Some(Submitted::Job(job)) => {
                drop(answer);
                let rows = query.of_job(room, *job, &mut progress).await;
                Ok(tool_result(rows))
            }
            Some(Submitted::Refused(refusal)) => {
                Ok(tool_result(Err(RunSqlQuery::refused(room, &refusal))))
            }
            // The child did not get so far, and says why.
            Some(Submitted::Nothing) | None => Ok(self.repaired(answer)),
        }
    }
}
