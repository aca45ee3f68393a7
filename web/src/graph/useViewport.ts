// Wheel, drag and keys move the viewport; a new graph or another size of the pane resets it until a
// person has moved it.
import { useCallback, useEffect, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import type { GraphLayout } from './model';
import { fit, pan, start, zoom, type Size, type Viewport } from './viewport';

/** Below this scale task names cannot be read. */
const READABLE = 0.62;
const STEP = 60;
const DRAG_PX = 4;

/** What a person did last: `fit` goes on to fit when the pane changes its size. */
interface Moved {
  layout: GraphLayout;
  view: Viewport | 'fit';
}

function viewOf(layout: GraphLayout | undefined, moved: Moved | null, size: Size, focus: string | null): Viewport {
  if (layout === undefined) return { x: 0, y: 0, scale: 1 };
  if (moved?.layout !== layout) return start(layout, size, READABLE, focus);
  return moved.view === 'fit' ? fit(layout, size) : moved.view;
}

export function useViewport(layout: GraphLayout | undefined, focus: string | null) {
  const pane = useRef<SVGSVGElement>(null);
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  const [moved, setMoved] = useState<Moved | null>(null);
  const drag = useRef<{ x: number; y: number; dragging: boolean } | null>(null);
  const view = viewOf(layout, moved, size, focus);

  const change = useCallback(
    (next: (view: Viewport) => Viewport) => {
      if (layout !== undefined) setMoved((old) => ({ layout, view: next(viewOf(layout, old, size, focus)) }));
    },
    [layout, size, focus],
  );

  useEffect(() => {
    const element = pane.current;
    if (element === null) return;
    const observer = new ResizeObserver(
      ([entry]) => entry && setSize({ width: entry.contentRect.width, height: entry.contentRect.height }),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    const element = pane.current;
    if (element === null) return;
    // React's wheel listeners are passive; this one must keep the page from scrolling.
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      const at = { x: event.clientX - box.left, y: event.clientY - box.top };
      if (event.ctrlKey || event.metaKey || event.deltaMode !== 0 || Math.abs(event.deltaY) >= 50)
        change((v) => zoom(v, Math.exp(-event.deltaY / 500), at));
      else change((v) => pan(v, -event.deltaX, -event.deltaY));
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [change]);

  const centre = { x: size.width / 2, y: size.height / 2 };
  const zoomBy = (factor: number) => change((v) => zoom(v, factor, centre));
  const fitAll = () => layout && setMoved({ layout, view: 'fit' });

  const handlers = {
    onPointerDown: (event: PointerEvent) => {
      if (event.button === 0) drag.current = { x: event.clientX, y: event.clientY, dragging: false };
    },
    onPointerMove: (event: PointerEvent<SVGSVGElement>) => {
      const from = drag.current;
      if (from === null) return;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      if (!from.dragging && Math.hypot(dx, dy) < DRAG_PX) return;
      if (!from.dragging) event.currentTarget.setPointerCapture(event.pointerId);
      drag.current = { x: event.clientX, y: event.clientY, dragging: true };
      change((v) => pan(v, dx, dy));
    },
    onPointerUp: () => {
      drag.current = null;
    },
    onKeyDown: (event: KeyboardEvent) => {
      const moves: Record<string, () => void> = {
        '+': () => zoomBy(1.25),
        '=': () => zoomBy(1.25),
        '-': () => zoomBy(0.8),
        '0': fitAll,
        ArrowLeft: () => change((v) => pan(v, STEP, 0)),
        ArrowRight: () => change((v) => pan(v, -STEP, 0)),
        ArrowUp: () => change((v) => pan(v, 0, STEP)),
        ArrowDown: () => change((v) => pan(v, 0, -STEP)),
      };
      const move = moves[event.key];
      if (move === undefined || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      move();
    },
  };
  return { pane, size, view, handlers, zoomBy, fitAll };
}
