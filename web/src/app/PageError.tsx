// The last resort: a page that failed to draw says so, instead of a white screen.
import { useRouteError } from 'react-router';
import { ErrorNotice } from '../components/Notice';

export function PageError() {
  const error = useRouteError();
  return <ErrorNotice error={error instanceof Error ? error : new Error(String(error))} retry={() => location.reload()} />;
}
