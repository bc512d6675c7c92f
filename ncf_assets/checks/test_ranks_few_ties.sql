-- The way of counting ties does not decide the HR@10 of any network: the optimistic and the
-- pessimistic value differ by 0.05 at most, as much as published models differ by. Networks score
-- in real numbers and hardly ever tie; one that does has collapsed to a constant. The rule does not
-- apply to baselines, as those that count have ties by nature, nor to users without a history in train
-- or validation, of whom a network has learnt nothing.
--
-- table: test_ranks
-- remedy: lower the network's learning_rate or change its seed, and train it again: it scores many items alike
with known as (
  select user from train
  union
  select user from validation
),

hits as (
  select
    model,
    protocol,
    case when n_better < 10 then 1.0 else 0.0 end as optimistic,
    case when n_better + n_tied < 10 then 1.0 else 0.0 end as pessimistic
  from test_ranks
  inner join known on test_ranks.user = known.user
  where model in ('gmf', 'mlp', 'neumf', 'neumf_scratch')
)

select model, protocol, avg(optimistic) as optimistic, avg(pessimistic) as pessimistic
from hits
group by model, protocol
having avg(optimistic - pessimistic) > 0.05
