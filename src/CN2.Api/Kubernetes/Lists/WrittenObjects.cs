using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Versions;

namespace CN2.Api.Kubernetes.Lists;

/// <summary>
/// Objects as JSON, as they were written last, for as long as their version is the same. A version stands for one state only while the changes that it
/// counts are kept, so nothing here grows older than half of the shortest retention.
/// </summary>
internal sealed class WrittenObjects(TimeProvider time)
{
    /// <summary>All of it together; beyond that it begins anew. Bytes.</summary>
    private const long Most = 64 * 1024 * 1024;

    /// <summary>What an entry takes beside its text; bytes.</summary>
    private const int Overhead = 200;

    private static readonly TimeSpan OldestEntry = TimeSpan.FromMinutes(30);

    private readonly Lock _lock = new();
    private readonly Dictionary<(ResourceDefinition Resource, Guid Uid), (ResourceVersion Version, long At, byte[] Body)> _entries = new(new ByReference());
    private long _size;

    /// <summary>The objects that are here in these versions.</summary>
    public Dictionary<Guid, byte[]> Find(ResourceDefinition resource, IReadOnlyDictionary<Guid, ResourceVersion> versions)
    {
        var found = new Dictionary<Guid, byte[]>(versions.Count);
        lock (_lock)
        {
            foreach (var (uid, version) in versions)
            {
                if (_entries.TryGetValue((resource, uid), out var entry) && entry.Version == version && time.GetElapsedTime(entry.At) < OldestEntry) found[uid] = entry.Body;
            }
        }

        return found;
    }

    /// <param name="resource">The kind.</param>
    /// <param name="uid">Of the object.</param>
    /// <param name="version">What the object has in <paramref name="body"/>.</param>
    /// <param name="at">A timestamp from before the object was read.</param>
    /// <param name="body">The object.</param>
    public void Keep(ResourceDefinition resource, Guid uid, ResourceVersion version, long at, byte[] body)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue((resource, uid), out var former)) _size -= former.Body.Length + Overhead;
            _size += body.Length + Overhead;
            if (_size > Most)
            {
                _entries.Clear();
                _size = body.Length + Overhead;
            }

            _entries[(resource, uid)] = (version, at, body);
        }
    }

    /// <summary>Definitions are compared by reference: each is there once, and their values are large.</summary>
    private sealed class ByReference : IEqualityComparer<(ResourceDefinition Resource, Guid Uid)>
    {
        public bool Equals((ResourceDefinition Resource, Guid Uid) x, (ResourceDefinition Resource, Guid Uid) y) => x.Uid == y.Uid && ReferenceEquals(x.Resource, y.Resource);

        public int GetHashCode((ResourceDefinition Resource, Guid Uid) key) => key.Uid.GetHashCode();
    }
}
