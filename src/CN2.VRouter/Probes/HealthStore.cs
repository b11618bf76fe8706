using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using CN2.Network.Resources;
using CN2.VRouter.Host;

namespace CN2.VRouter.Probes;

/// <summary>
/// The last health states of this node's endpoints, in a file of the state directory: a restarted agent continues from them, even if no
/// server heard of the last change. The whole file is written soon after a change, and renamed. Without a directory the states are only in
/// memory.
/// </summary>
public sealed partial class HealthStore : IDisposable
{
    private const string FileName = "health.json";
    private static readonly TimeSpan SaveAfter = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<Guid, Entry> _entries = [];
    private readonly string? _path;
    private readonly ITimer _timer;
    private readonly Lock _writing = new();
    private int _dirty;

    /// <exception cref="IOException">The directory cannot be made, read or written to.</exception>
    public HealthStore(string? directory, TimeProvider time)
    {
        _timer = time.CreateTimer(_ => Save(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (directory is null) return;
        _path = Path.Combine(Path.GetFullPath(directory), FileName);
        try
        {
            StateFile.WriteBeside(_path, Content([])); // fail now, not at the first change
            if (!File.Exists(_path)) return;
            var saved = JsonSerializer.Deserialize(File.ReadAllBytes(_path), Json.Default.DictionaryGuidEntry);
            foreach (var (uid, entry) in saved ?? []) _entries[uid] = entry;
        }
        catch (JsonException)
        {
            // Not written by this program: the last known states of the server take its place.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"--state-dir {directory}: expected a directory that can be made and written to: {e.Message}", e);
        }
    }

    /// <summary>The last state of this endpoint; null: this probe has no answer yet.</summary>
    public EndpointHealth? Find(ProbeTarget target) =>
        _entries.TryGetValue(target.Uid, out var entry) && entry.Probe == Fingerprint(target) ? entry.Health : null;

    public void Set(ProbeTarget target, EndpointHealth health)
    {
        _entries[target.Uid] = new Entry(Fingerprint(target), health);
        Changed();
    }

    public void Forget(Guid uid)
    {
        if (_entries.TryRemove(uid, out _)) Changed();
    }

    public void Save()
    {
        if (_path is null || Interlocked.Exchange(ref _dirty, 0) == 0) return;
        try
        {
            lock (_writing)
            {
                StateFile.Replace(_path, Content(new Dictionary<Guid, Entry>(_entries)));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A full disk must not stop the probes.
            Changed();
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        Save();
    }

    // The form "(200, 299)" of the codes is that of files already written: an agent that is upgraded finds its probes again.
    private static string Fingerprint(ProbeTarget target) =>
        $"{target.Address} {target.MonitorType} {target.Port} {target.HttpMethod} {target.UrlPath} {string.Join(',', target.ExpectedCodes.Ranges.Select(r => (r.First, r.Last)))}";

    private static byte[] Content(Dictionary<Guid, Entry> entries) => JsonSerializer.SerializeToUtf8Bytes(entries, Json.Default.DictionaryGuidEntry);

    private void Changed()
    {
        if (_path is not null && Interlocked.Exchange(ref _dirty, 1) == 0) _timer.Change(SaveAfter, Timeout.InfiniteTimeSpan);
    }

    internal sealed record Entry(string Probe, EndpointHealth Health);

    [JsonSourceGenerationOptions(UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
    [JsonSerializable(typeof(Dictionary<Guid, Entry>))]
    private sealed partial class Json : JsonSerializerContext;
}
