// The pools and how full they are: where to look when a task waits for slots.
import { useQuery } from '@tanstack/react-query';
import { keys } from '../../api/keys';
import { listPools } from '../../api/pools';
import { useTitle } from '../../app/useTitle';
import { ErrorNotice, Loading } from '../../components/Notice';
import { PoolBar } from './PoolBar';
import './PoolsPage.css';

export function PoolsPage() {
  useTitle('Pools');
  const pools = useQuery({ queryKey: keys.pools, queryFn: ({ signal }) => listPools(signal) });
  return (
    <div className="page">
      <header className="page__head">
        <h1>Pools</h1>
      </header>
      <div className="page__body">
        {pools.isPending && <Loading what="pools" />}
        {pools.isError && <ErrorNotice error={pools.error} retry={() => void pools.refetch()} />}
        {pools.data && (
          <table className="table card">
            <thead>
              <tr>
                <th scope="col">Pool</th>
                <th scope="col">Use</th>
                <th scope="col" className="number">
                  Slots
                </th>
                <th scope="col">Description</th>
              </tr>
            </thead>
            <tbody>
              {pools.data.map((pool) => (
                <tr key={pool.name}>
                  <th scope="row">{pool.name}</th>
                  <td>
                    <PoolBar pool={pool} />
                  </td>
                  <td className="number">{pool.slots < 0 ? 'unlimited' : pool.slots}</td>
                  <td className="muted">
                    {pool.description}
                    {pool.include_deferred && ' (deferred tasks count)'}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
    </div>
  );
}
