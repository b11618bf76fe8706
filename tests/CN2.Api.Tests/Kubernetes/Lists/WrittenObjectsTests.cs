using CN2.Api.Kubernetes.Lists;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Versions;
using Microsoft.Extensions.Time.Testing;

namespace CN2.Api.Tests.Kubernetes.Lists;

public sealed class WrittenObjectsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void An_object_is_found_in_its_version_alone_and_not_when_it_is_old()
    {
        var written = new WrittenObjects(_time);
        var uid = Guid.NewGuid();
        written.Keep(ServiceSchema.Definition, uid, new ResourceVersion(8), _time.GetTimestamp(), [1]);
        Assert.Equal([1], Find(written, uid, 8)!);
        Assert.Null(Find(written, uid, 12));
        Assert.Empty(written.Find(FloatingIPSchemas.FloatingIP, new Dictionary<Guid, ResourceVersion> { [uid] = new(8) }));
        written.Keep(ServiceSchema.Definition, uid, new ResourceVersion(12), _time.GetTimestamp(), [2]);
        Assert.Null(Find(written, uid, 8));
        Assert.Equal([2], Find(written, uid, 12)!);
        // Retention is an hour at least: a version may come again with other contents after it.
        _time.Advance(TimeSpan.FromMinutes(31));
        Assert.Null(Find(written, uid, 12));
    }

    [Fact]
    public void It_has_a_bound()
    {
        var written = new WrittenObjects(_time);
        var uids = Enumerable.Range(0, 100).Select(_ => Guid.NewGuid()).ToList();
        foreach (var uid in uids) written.Keep(ServiceSchema.Definition, uid, new ResourceVersion(8), _time.GetTimestamp(), new byte[1024 * 1024]);
        Assert.InRange(uids.Count(u => Find(written, u, 8) is not null), 1, 64);
        Assert.NotNull(Find(written, uids[^1], 8));
    }

    private static byte[]? Find(WrittenObjects written, Guid uid, long version) =>
        written.Find(ServiceSchema.Definition, new Dictionary<Guid, ResourceVersion> { [uid] = new(version) }).GetValueOrDefault(uid);
}
