// Providers and routes. Addresses are Airflow's, so that links in chats and tickets keep working.
import { QueryClientProvider } from '@tanstack/react-query';
import { createBrowserRouter, Navigate, RouterProvider } from 'react-router';
import { ToastProvider } from '../components/Toasts';
import { DagPage } from '../pages/dag/DagPage';
import { DagListPage } from '../pages/dags/DagListPage';
import { ImportErrorsPage } from '../pages/importErrors/ImportErrorsPage';
import { LoginPage } from '../pages/login/LoginPage';
import { PoolsPage } from '../pages/pools/PoolsPage';
import { RunPage } from '../pages/run/RunPage';
import { RunsPage } from '../pages/runs/RunsPage';
import { TaskRedirect } from '../pages/run/TaskRedirect';
import { NotFound } from './NotFound';
import { PageError } from './PageError';
import { queryClient } from './queryClient';
import { Shell } from './Shell';

const router = createBrowserRouter([
  { path: '/login', element: <LoginPage /> },
  {
    element: <Shell />,
    errorElement: <PageError />,
    children: [
      { index: true, element: <Navigate to="/dags" replace /> },
      { path: '/dags', element: <DagListPage /> },
      { path: '/dags/:dagId/runs/:runId/:view?', element: <RunPage /> },
      { path: '/dags/:dagId/runs/:runId/tasks/:taskId', element: <TaskRedirect /> },
      { path: '/dags/:dagId/runs/:runId/tasks/:taskId/mapped/:mapIndex', element: <TaskRedirect /> },
      { path: '/dags/:dagId/:view?', element: <DagPage /> },
      { path: '/dag_runs', element: <RunsPage /> },
      { path: '/import_errors', element: <ImportErrorsPage /> },
      { path: '/pools', element: <PoolsPage /> },
      { path: '*', element: <NotFound /> },
    ],
  },
]);

export function App() {
  return (
    <QueryClientProvider client={queryClient}>
      <ToastProvider>
        <RouterProvider router={router} />
      </ToastProvider>
    </QueryClientProvider>
  );
}
