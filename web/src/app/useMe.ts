// Who is logged in, and what that means for what one can press. The server decides; this only says it beforehand.
import { useQuery } from '@tanstack/react-query';
import { me } from '../api/auth';
import { keys } from '../api/keys';

export const useMe = () => useQuery({ queryKey: keys.me, queryFn: ({ signal }) => me(signal) });

/** Why this person can't change anything; undefined for those who can, and until it is known. */
export function useForbidden(): string | undefined {
  const { data } = useMe();
  return data?.role === 'viewer' ? `${data.username} is a viewer: reading only` : undefined;
}
