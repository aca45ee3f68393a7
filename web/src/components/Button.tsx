// A button with words, or an icon button whose label is read aloud and shown as a tooltip.
import type { ButtonHTMLAttributes } from 'react';
import './Button.css';
import { Icon, type IconName } from './Icon';

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  icon?: IconName;
  kind?: 'plain' | 'primary' | 'danger' | 'quiet';
}

export function Button({ icon, kind = 'plain', children, className = '', ...rest }: Props) {
  return (
    <button type="button" className={`button button--${kind} ${className}`} {...rest}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

interface IconProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'children'> {
  icon: IconName;
  label: string;
}

export function IconButton({ icon, label, className = '', ...rest }: IconProps) {
  return (
    <button type="button" className={`button button--icon ${className}`} aria-label={label} title={label} {...rest}>
      <Icon name={icon} />
    </button>
  );
}
