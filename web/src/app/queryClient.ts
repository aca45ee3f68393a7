// The cache of answers. Nothing is read again by time or by focus: the feed says what changed.
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { ApiError, NetworkError } from '../api/client';
import { leadToLogin } from './session';

function onError(error: Error): void {
  if (error instanceof ApiError && error.status === 401) leadToLogin();
}

export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    queries: {
      staleTime: Infinity,
      // What is left and entered again was not kept true by anyone only if the feed was away; it tells.
      gcTime: 10 * 60_000,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      retry: (count, error) => error instanceof NetworkError && count < 3,
    },
  },
});
