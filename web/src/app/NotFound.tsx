// An address that leads nowhere.
import { Link } from 'react-router';
import { EmptyNotice } from '../components/Notice';
import { useTitle } from './useTitle';

export function NotFound() {
  useTitle('Not found');
  return (
    <EmptyNotice title="There is no such page">
      <Link to="/dags">To the list of DAGs</Link>
    </EmptyNotice>
  );
}
