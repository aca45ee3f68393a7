// The hub in a worker that all pages of this browser share. A shared worker and no lock between tabs: locks
// exist on HTTPS and localhost only, and HTTP is where connections are few.
import { Hub } from './hub';
import type { ToHub } from './messages';

const hub = new Hub();

// TypeScript's DOM library does not know the scope of shared workers.
self.addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports;
  if (port === undefined) return;
  port.onmessage = (message: MessageEvent<ToHub>) => hub.receive(port, message.data);
  // A page that crashed says no goodbye.
  port.addEventListener('close', () => hub.receive(port, { what: 'bye' }));
});
