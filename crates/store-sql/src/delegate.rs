//! The reader's methods of a store, each handed to its function in [`crate::read`].

/// Implements [`updraft_store::Reader`] for a [`Backend`](crate::Backend) that has a method
/// `feed_hint_stream(&self) -> BoxStream<'static, ()>`.
#[macro_export]
macro_rules! impl_reader {
    ($store:ty) => {
        const _: () = {
            use std::collections::BTreeMap;

            use $crate::reexport::{BoxFuture, BoxStream, serde_json::Value, updraft_model::*, updraft_store::*};

            impl Reader for $store {
                fn dags(&self, filter: DagFilter, page: Page) -> BoxFuture<'_, Result<Listed<DagView>, StoreError>> {
                    Box::pin($crate::read::dags(self, filter, page))
                }
                fn dag(&self, dag_id: &DagId) -> BoxFuture<'_, Result<Option<DagView>, StoreError>> {
                    Box::pin($crate::read::dag(self, dag_id.clone()))
                }
                fn tags(&self) -> BoxFuture<'_, Result<Vec<String>, StoreError>> {
                    Box::pin($crate::read::tags(self))
                }
                fn version(&self, id: VersionId) -> BoxFuture<'_, Result<Option<DagVersion>, StoreError>> {
                    Box::pin($crate::read::version(self, id))
                }
                fn version_number(&self, dag_id: &DagId, number: u32) -> BoxFuture<'_, Result<Option<DagVersion>, StoreError>> {
                    Box::pin($crate::read::version_number(self, dag_id.clone(), number))
                }
                fn versions(&self, dag_id: &DagId) -> BoxFuture<'_, Result<Vec<DagVersion>, StoreError>> {
                    Box::pin($crate::read::versions(self, dag_id.clone()))
                }
                fn source(&self, id: VersionId) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
                    Box::pin($crate::engine::source(self, id))
                }
                fn runs(&self, filter: RunFilter, page: Page) -> BoxFuture<'_, Result<Listed<RunRow>, StoreError>> {
                    Box::pin($crate::read::runs(self, filter, page))
                }
                fn run(&self, dag_id: &DagId, run_id: &RunId) -> BoxFuture<'_, Result<Option<RunRow>, StoreError>> {
                    Box::pin($crate::read::run(self, dag_id.clone(), run_id.clone()))
                }
                fn run_by_key(&self, key: RunKey) -> BoxFuture<'_, Result<Option<RunRow>, StoreError>> {
                    Box::pin($crate::read::run_by_key(self, key))
                }
                fn state_counts(&self, runs: Vec<RunKey>) -> BoxFuture<'_, Result<BTreeMap<RunKey, StateCounts>, StoreError>> {
                    Box::pin($crate::read::state_counts(self, runs))
                }
                fn recent_runs(&self, dag_ids: Vec<DagId>, limit: u32) -> BoxFuture<'_, Result<BTreeMap<DagId, Vec<RunRow>>, StoreError>> {
                    Box::pin($crate::read::recent_runs(self, dag_ids, limit))
                }
                fn set_run_note(&self, run: RunKey, note: Option<String>, user: Option<String>) -> BoxFuture<'_, Result<(), StoreError>> {
                    Box::pin($crate::read::set_run_note(self, run, note, user))
                }
                fn task_instances(
                    &self,
                    filter: TaskInstanceFilter,
                    page: Page,
                ) -> BoxFuture<'_, Result<Listed<TaskInstanceView>, StoreError>> {
                    Box::pin($crate::read::task_instances(self, filter, page))
                }
                fn task_instance(&self, key: &TaskInstanceKey) -> BoxFuture<'_, Result<Option<TaskInstanceView>, StoreError>> {
                    Box::pin($crate::read::task_instance(self, key.clone()))
                }
                fn archived_tries(&self, key: &TaskInstanceKey) -> BoxFuture<'_, Result<Vec<TaskInstanceRow>, StoreError>> {
                    Box::pin($crate::read::archived_tries(self, key.clone()))
                }
                fn attempts(&self, key: &TaskInstanceKey) -> BoxFuture<'_, Result<Vec<AttemptRow>, StoreError>> {
                    Box::pin($crate::read::attempts(self, key.clone()))
                }
                fn attempts_by_id(&self, ids: Vec<AttemptId>) -> BoxFuture<'_, Result<Vec<AttemptRow>, StoreError>> {
                    Box::pin($crate::read::attempts_by_id(self, ids))
                }
                fn open_attempts(&self, node: &NodeId) -> BoxFuture<'_, Result<Vec<(AttemptRow, TaskInstanceRow)>, StoreError>> {
                    Box::pin($crate::read::open_attempts(self, node.clone()))
                }
                fn set_task_instance_note(&self, key: &TaskInstanceKey, note: Option<String>) -> BoxFuture<'_, Result<(), StoreError>> {
                    Box::pin($crate::read::set_task_instance_note(self, key.clone(), note))
                }
                fn xcoms(&self, filter: XComFilter, page: Page) -> BoxFuture<'_, Result<Listed<XComView>, StoreError>> {
                    Box::pin($crate::read::xcoms(self, filter, page))
                }
                fn import_errors(
                    &self,
                    filter: ImportErrorFilter,
                    page: Page,
                ) -> BoxFuture<'_, Result<Listed<(i64, ImportErrorRow)>, StoreError>> {
                    Box::pin($crate::read::import_errors(self, filter, page))
                }
                fn import_error(&self, id: i64) -> BoxFuture<'_, Result<Option<ImportErrorRow>, StoreError>> {
                    Box::pin($crate::read::import_error(self, id))
                }
                fn pools(&self, name: Vec<Pattern>, page: Page) -> BoxFuture<'_, Result<Listed<PoolView>, StoreError>> {
                    Box::pin($crate::read::pools(self, name, page))
                }
                fn pool(&self, name: &PoolName) -> BoxFuture<'_, Result<Option<PoolView>, StoreError>> {
                    Box::pin($crate::read::pool(self, name.clone()))
                }
                fn variables(&self, key: Vec<Pattern>, page: Page) -> BoxFuture<'_, Result<Listed<VariableRow>, StoreError>> {
                    Box::pin($crate::read::variables(self, key, page))
                }
                fn variable(&self, key: &str) -> BoxFuture<'_, Result<Option<VariableRow>, StoreError>> {
                    Box::pin($crate::read::variable(self, key.to_owned()))
                }
                fn set_variable(&self, row: VariableRow) -> BoxFuture<'_, Result<(), StoreError>> {
                    Box::pin($crate::read::set_variable(self, row))
                }
                fn delete_variable(&self, key: &str) -> BoxFuture<'_, Result<bool, StoreError>> {
                    Box::pin($crate::read::delete_variable(self, key.to_owned()))
                }
                fn users(&self) -> BoxFuture<'_, Result<Vec<UserRow>, StoreError>> {
                    Box::pin($crate::read::users(self))
                }
                fn set_user(&self, row: UserRow) -> BoxFuture<'_, Result<(), StoreError>> {
                    Box::pin($crate::read::set_user(self, row))
                }
                fn delete_user(&self, username: &str) -> BoxFuture<'_, Result<bool, StoreError>> {
                    Box::pin($crate::read::delete_user(self, username.to_owned()))
                }
                fn lease(&self) -> BoxFuture<'_, Result<Option<Lease>, StoreError>> {
                    Box::pin($crate::read::lease(self))
                }
                fn nodes(&self) -> BoxFuture<'_, Result<Vec<NodeRow>, StoreError>> {
                    Box::pin($crate::read::nodes(self))
                }
                fn node_seen(&self, node: NodeRow) -> BoxFuture<'_, Result<(), StoreError>> {
                    Box::pin($crate::read::node_seen(self, node))
                }
                fn feed(&self, after: i64, limit: u32) -> BoxFuture<'_, Result<Vec<FeedEntry>, StoreError>> {
                    Box::pin($crate::read::feed(self, after, limit))
                }
                fn feed_head(&self) -> BoxFuture<'_, Result<i64, StoreError>> {
                    Box::pin($crate::read::feed_head(self))
                }
                fn submit(&self, request: Request, user: Option<String>) -> BoxFuture<'_, Result<RequestId, StoreError>> {
                    Box::pin($crate::read::submit(self, request, user))
                }
                fn answer(&self, id: RequestId) -> BoxFuture<'_, Result<Option<Answer>, StoreError>> {
                    Box::pin($crate::read::answer(self, id))
                }
                fn withdraw(&self, id: RequestId) -> BoxFuture<'_, Result<bool, StoreError>> {
                    Box::pin($crate::read::withdraw(self, id))
                }
                fn setting(&self, name: &str, initial: Value) -> BoxFuture<'_, Result<Value, StoreError>> {
                    Box::pin($crate::read::setting(self, name.to_owned(), initial))
                }
                fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>> {
                    Box::pin($crate::read::ping(self))
                }
                fn feed_hints(&self) -> BoxStream<'static, ()> {
                    self.feed_hint_stream()
                }
            }
        };
    };
}
