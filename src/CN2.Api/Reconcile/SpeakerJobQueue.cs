using CN2.Api.Drivers;
using CN2.Api.Threading;

namespace CN2.Api.Reconcile;

/// <summary>
/// The jobs that wait for the <see cref="SpeakerWorker"/>. Waiting jobs of one kind are merged into one: the newest set counts, and of each
/// route the last change. Every method may be called from any thread.
/// <para>
/// A job that failed for another reason than a missing engine or database is a bug or a refusal: it is kept apart and tried again alone,
/// after <see cref="RetryInterval"/>, so it never stops the jobs that come after it. A newer job of its kind takes its place.
/// </para>
/// </summary>
internal sealed class SpeakerJobQueue(TimeProvider time)
{
    public static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly AsyncSignal _posted = new();
    private SpeakerJob.FollowReplicas? _follow;
    private SpeakerJob.SetImports? _imports;
    private SpeakerJob.SetFence? _fence;
    private RouteBatch? _routes;
    private SpeakerJob.SetPeers? _peers;
    private HashSet<Guid> _released = [];
    private bool _mustSaveRows;
    private Dictionary<BgpPathKey, BgpPath> _moved = [];
    private List<(SpeakerJob Job, long At)> _failed = [];

    /// <summary>Adds a job that is newer than all that wait.</summary>
    public void Post(SpeakerJob job)
    {
        lock (_lock)
        {
            Merge(job);
            Supersede(job);
        }

        _posted.Set();
    }

    /// <summary>Takes back a job that could not be carried out yet; what was posted since is newer. Wakes nobody: who gives it back tries again.</summary>
    public void PutBack(SpeakerJob job)
    {
        lock (_lock)
        {
            var since = TakeWaiting();
            Merge(job);
            foreach (var newer in since) Merge(newer);
        }
    }

    /// <summary>Keeps a job that failed; what was posted since takes its place.</summary>
    public void Fail(SpeakerJob job)
    {
        lock (_lock)
        {
            var left = Waiting().Aggregate((SpeakerJob?)job, (old, newer) => old?.Without(newer));
            if (left is not null) _failed.Add((left, time.GetTimestamp()));
        }
    }

    /// <summary>All waiting jobs, merged, in the order in which they must be carried out.</summary>
    public IReadOnlyList<SpeakerJob> TakeAll()
    {
        lock (_lock) return TakeWaiting();
    }

    /// <summary>The failed jobs that are due again; each is to be tried alone.</summary>
    public IReadOnlyList<SpeakerJob> TakeFailed()
    {
        lock (_lock)
        {
            var due = _failed.Where(f => time.GetElapsedTime(f.At) >= RetryInterval).Select(f => f.Job).ToList();
            if (due.Count > 0) _failed = [.. _failed.Where(f => time.GetElapsedTime(f.At) < RetryInterval)];
            return due;
        }
    }

    /// <summary>Waits until a job was posted, or a failed one may be due.</summary>
    public Task WaitAsync(CancellationToken ct) => WaitAsync(RetryInterval, ct);

    /// <summary>Waits until a job was posted, or for this time.</summary>
    public Task WaitAsync(TimeSpan atMost, CancellationToken ct) => _posted.WaitAsync(atMost, time, ct);

    private void Merge(SpeakerJob job)
    {
        switch (job)
        {
            case SpeakerJob.FollowReplicas follow:
                _follow = follow with { Introduce = follow.Introduce || _follow?.Introduce == true, RewriteRows = follow.RewriteRows || _follow?.RewriteRows == true };
                break;
            case SpeakerJob.SetImports imports:
                _imports = imports;
                break;
            case SpeakerJob.SetFence fence:
                _fence = fence;
                break;
            case SpeakerJob.ReplaceAll or SpeakerJob.ChangeRoutes:
                _routes = (_routes ?? new RouteBatch()).Then(job);
                break;
            case SpeakerJob.SetPeers peers:
                _peers = peers;
                break;
            case SpeakerJob.Release release:
                _released.UnionWith(release.FloatingIPs);
                break;
            case SpeakerJob.SaveRows:
                _mustSaveRows = true;
                break;
            case SpeakerJob.Renumber renumber:
                foreach (var path in renumber.Moved) _moved[path.Key] = path;
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(job), job, "is no known job");
        }
    }

    private void Supersede(SpeakerJob newer)
    {
        if (_failed.Count == 0) return;
        _failed = [.. _failed.Select(f => (Job: f.Job.Without(newer), f.At)).Where(f => f.Job is not null).Select(f => (f.Job!, f.At))];
    }

    private List<SpeakerJob> Waiting()
    {
        var jobs = new List<SpeakerJob>();
        if (_follow is not null) jobs.Add(_follow);
        if (_imports is not null) jobs.Add(_imports);
        if (_fence is not null) jobs.Add(_fence);
        if (_routes?.ToJob() is { } routes) jobs.Add(routes);
        if (_peers is not null) jobs.Add(_peers);
        if (_released.Count > 0) jobs.Add(new SpeakerJob.Release(_released));
        if (_mustSaveRows) jobs.Add(new SpeakerJob.SaveRows());
        if (_moved.Count > 0) jobs.Add(new SpeakerJob.Renumber(_moved.Values));
        return jobs;
    }

    private List<SpeakerJob> TakeWaiting()
    {
        var taken = Waiting();
        (_follow, _imports, _fence, _routes, _peers, _released, _mustSaveRows, _moved) = (null, null, null, null, null, [], false, []);
        return taken;
    }
}
