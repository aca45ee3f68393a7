// The DAGs that match a filter, read in pages as one scrolls towards them.
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { listDags, type DagFilter } from '../../api/dags';
import { keys } from '../../api/keys';

export function useDagList(filter: DagFilter) {
  const query = useInfiniteQuery({
    queryKey: keys.dagList(filter),
    queryFn: ({ pageParam, signal }) => listDags(filter, pageParam, signal),
    initialPageParam: 0,
    getNextPageParam: (last, pages) => {
      const read = pages.reduce((sum, page) => sum + page.dags.length, 0);
      return last.dags.length > 0 && read < last.total_entries ? read : undefined;
    },
    placeholderData: keepPreviousData,
  });
  return { ...query, dags: query.data?.pages.flatMap((page) => page.dags) ?? [], total: query.data?.pages.at(-1)?.total_entries ?? 0 };
}
