// Whether somebody may be looking. Streams rest in pages that have been hidden for a while: browsers
// allow six connections to a server over HTTP/1.1, and ten forgotten tabs shall not use them up.
import { useEffect, useState } from 'react';

/** How long a hidden page stays awake, in ms. */
const REST_AFTER_MS = 5_000;

export function useAwake(): boolean {
  const [awake, setAwake] = useState(true);
  useEffect(() => {
    let rest: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      clearTimeout(rest);
      if (document.hidden) rest = setTimeout(() => setAwake(false), REST_AFTER_MS);
      else setAwake(true);
    };
    document.addEventListener('visibilitychange', look);
    return () => {
      clearTimeout(rest);
      document.removeEventListener('visibilitychange', look);
    };
  }, []);
  return awake;
}
