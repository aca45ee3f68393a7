// Runs the layout beside the page, so that a thousand tasks do not freeze it.
import { placeGraph } from './layout';
import type { GraphInput } from './model';

addEventListener('message', (message: MessageEvent<GraphInput>) => postMessage(placeGraph(message.data)));
