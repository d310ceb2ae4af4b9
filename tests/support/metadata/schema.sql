-- The metadata of a control plane: who its tenants are, what they pay for, what they may use, and what was changed.
create table plans (name text primary key, seats int not null, storage_gb int not null);
insert into plans values ('free', 3, 1), ('team', 25, 50), ('enterprise', 500, 1000);

create table tenants (
    id text primary key,
    name text not null,
    status text not null,
    plan text not null references plans (name),
    tier text not null,
    region text not null,
    created_at timestamptz not null,
    changed_at timestamptz not null
);
create table users (
    id bigserial primary key,
    tenant_id text not null references tenants (id) on delete cascade,
    email text not null,
    role text not null
);
create table limits (
    tenant_id text not null references tenants (id) on delete cascade,
    what text not null,
    used int not null,
    most int,
    primary key (tenant_id, what)
);
create table changes (
    id bigserial primary key,
    tenant_id text not null,
    at timestamptz not null default now(),
    who text not null,
    what text not null,
    before jsonb,
    after jsonb
);

insert into tenants
select 'tenant-' || lpad(n::text, 4, '0'), 'Tenant ' || n,
    (array['active', 'active', 'active', 'suspended', 'provisioning'])[n % 5 + 1],
    (array['free', 'team', 'enterprise'])[n % 3 + 1],
    (array['bronze', 'silver', 'gold'])[n % 3 + 1],
    (array['eu-west-1', 'us-east-1'])[n % 2 + 1],
    now() - n * interval '1 hour', now() - n * interval '1 minute'
from generate_series(1, 1000) n;

insert into users (tenant_id, email, role)
select id, 'owner@' || id || '.example', 'owner' from tenants
union all
select id, 'dev@' || id || '.example', 'member' from tenants where plan <> 'free';

insert into limits
select t.id, 'seats', (select count(*) from users u where u.tenant_id = t.id), p.seats
from tenants t join plans p on p.name = t.plan
union all
select t.id, 'storage_gb', length(t.id) % 7, p.storage_gb
from tenants t join plans p on p.name = t.plan;

insert into changes (tenant_id, at, who, what, before, after)
select id, now() - (row_number() over (order by id)) * interval '5 minutes', 'ada', 'plan.changed',
    jsonb_build_object('plan', 'free'), jsonb_build_object('plan', plan)
from tenants where plan <> 'free';

-- One row a tenant, as the HTTP view tells it.
create view tenant_cards as
select t.*,
    (select u.email from users u where u.tenant_id = t.id and u.role = 'owner' limit 1) as owner_email,
    (select jsonb_object_agg(l.what, jsonb_build_object('used', l.used, 'limit', l.most)) from limits l
        where l.tenant_id = t.id) as usage
from tenants t;
