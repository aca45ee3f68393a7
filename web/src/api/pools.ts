// Pools.
import { requestAll } from './client';
import type { Pool } from './types';

export const listPools = (signal: AbortSignal) =>
  requestAll('/api/v2/pools', (page: { pools: Pool[]; total_entries: number }) => page.pools, { signal });
