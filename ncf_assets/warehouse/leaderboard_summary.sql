-- This view compares the models over all datasets of the leaderboard, by NDCG@10 among all unseen
-- items; of a dataset without it, by the k that is nearest to 10, or the shorter of two.
-- grain: one model
-- key: model
-- column model VARCHAR: metrics.model
-- column datasets BIGINT: datasets on which it was evaluated
-- column mean_rank DOUBLE: mean over them of its rank among the models, 1 for the best; of equals the better rank
-- column ranks VARCHAR: these ranks, by the names of the datasets
-- column times_popularity DOUBLE null: geometric mean of its figure divided by popularity's
-- column neumf_better BIGINT: datasets on which NeuMF is better than it, by leaderboard.verdict
-- column neumf_equal BIGINT: datasets on which they are equal
-- column neumf_undecided BIGINT: datasets that cannot tell
-- column neumf_worse BIGINT: datasets on which NeuMF is worse

with
figures as (
    select
        dataset,
        model,
        value,
        verdict,
        k = arg_min(k, (abs(k - 10), k)) over (partition by dataset) as is_nearest
    from leaderboard
    where protocol = 'full' and metric = 'ndcg'
),
ranked as (
    select
        *,
        rank() over (partition by dataset order by value desc) as place,
        value / nullif(
            max(value) filter (where model = 'popularity') over (partition by dataset), 0
        ) as times
    from figures
    where is_nearest
)
select
    model,
    count(*) as datasets,
    avg(place) as mean_rank,
    string_agg(place::varchar, ' ' order by dataset) as ranks,
    case when min(times) > 0 then geomean(greatest(times, 1e-300)) else min(times) end
        as times_popularity,
    count(*) filter (where verdict = 'better') as neumf_better,
    count(*) filter (where verdict = 'equal') as neumf_equal,
    count(*) filter (where verdict = 'undecided') as neumf_undecided,
    count(*) filter (where verdict = 'worse') as neumf_worse
from ranked
group by model
order by mean_rank, model
