// A button with words, or an icon button whose label is read aloud and shown as a tooltip.
import type { ButtonHTMLAttributes } from 'react';
import './Button.css';
import { forbid } from './forbid';
import { Icon, type IconName } from './Icon';

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  icon?: IconName;
  kind?: 'plain' | 'primary' | 'danger' | 'quiet';
  /** Why it can't be pressed. */
  forbidden?: string | undefined;
}

export function Button({ icon, kind = 'plain', forbidden, children, className = '', ...rest }: Props) {
  return (
    <button type="button" className={`button button--${kind} ${className}`} {...rest} {...forbid(forbidden)}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

interface IconProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'children'> {
  icon: IconName;
  label: string;
  /** Why it can't be pressed. */
  forbidden?: string | undefined;
}

export function IconButton({ icon, label, forbidden, className = '', ...rest }: IconProps) {
  return (
    <button type="button" className={`button button--icon ${className}`} aria-label={label} title={label} {...rest} {...forbid(forbidden)}>
      <Icon name={icon} />
    </button>
  );
}
