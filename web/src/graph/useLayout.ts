// The layout of a graph, computed once per shape: states may change as they like.
import { useQuery } from '@tanstack/react-query';
import type { GraphInput, GraphLayout } from './model';

/** Layouts depend on nothing the feed could tell. */
export const LAYOUT_KEY = 'layout';

function place(input: GraphInput, signal: AbortSignal): Promise<GraphLayout> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./layout.worker.ts', import.meta.url), { type: 'module' });
    signal.addEventListener('abort', () => worker.terminate());
    worker.onmessage = (message: MessageEvent<GraphLayout>) => {
      resolve(message.data);
      worker.terminate();
    };
    worker.onerror = (event) => {
      reject(new Error(`The graph could not be laid out: ${event.message}`));
      worker.terminate();
    };
    worker.postMessage(input);
  });
}

export function useLayout(input: GraphInput | undefined) {
  return useQuery({
    queryKey: [LAYOUT_KEY, input],
    queryFn: ({ signal }) => place(input ?? { direction: 'LR', nodes: [], edges: [] }, signal),
    enabled: input !== undefined,
  });
}
