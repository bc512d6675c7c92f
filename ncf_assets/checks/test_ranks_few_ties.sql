-- Of no network is HR@10 decided by how ties are counted: the optimistic and the pessimistic value
-- differ by 0.05 at most, as much as published models differ by. Networks score in real numbers and
-- hardly ever tie; one that does has collapsed to a constant. Baselines that count tie by nature.
--
-- table: test_ranks
-- remedy: the network scores many items alike; lower its learning_rate or change its seed, train it again
with hits as (
  select
    model,
    protocol,
    case when n_better < 10 then 1.0 else 0.0 end as optimistic,
    case when n_better + n_tied < 10 then 1.0 else 0.0 end as pessimistic
  from test_ranks
  where model in ('gmf', 'mlp', 'neumf')
)

select model, protocol, avg(optimistic) as optimistic, avg(pessimistic) as pessimistic
from hits
group by model, protocol
having avg(optimistic - pessimistic) > 0.05
