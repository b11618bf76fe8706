using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Data.Rows;
using CN2.Api.Kubernetes.Lists;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Versions;
using CN2.Network.Selection;

namespace CN2.Api.Tests.Kubernetes.Watch;

/// <summary>As many large objects as somebody asks for. It knows which of them are still in memory.</summary>
internal sealed class ManyObjects(ObjectVersions versions) : IObjectReader
{
    private readonly List<WeakReference> _given = [];
    private readonly string _large = new('x', 8_000);

    public ResourceDefinition Resource => HealthCheckSchema.Definition;

    /// <summary>How many were asked for at once, at most.</summary>
    public int Most { get; private set; }

    public int Given
    {
        get
        {
            lock (_given) return _given.Count;
        }
    }

    /// <summary>How many are in memory.</summary>
    public int Held
    {
        get
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
            lock (_given) return _given.Count(g => g.IsAlive);
        }
    }

    public bool Follows(ChangeRow change) => false;

    public Task<IReadOnlyList<(Guid Changed, JsonObject Object)>> LoadAsync(IReadOnlyCollection<Guid> uids, CancellationToken ct) => Task.FromResult<IReadOnlyList<(Guid, JsonObject)>>([]);

    public JsonObject LastOf(ChangeRow deletion) => throw new InvalidOperationException("Nothing is deleted.");

    public async Task<ListedObjects> ReadAsync(NamespaceScope scope, LabelSelector labels, (string Namespace, string Name)? after, int most, CancellationToken ct)
    {
        Most = Math.Max(Most, most);
        var objects = new List<JsonObject>();
        for (var i = 0; i < most; i++)
        {
            objects.Add(new JsonObject
            {
                ["apiVersion"] = Resource.ApiVersion,
                ["kind"] = Resource.Kind,
                ["metadata"] = new JsonObject
                {
                    ["name"] = $"n{i}",
                    ["namespace"] = scope.Namespace,
                    ["uid"] = Guid.NewGuid().ToString(),
                    ["resourceVersion"] = "1",
                    ["annotations"] = new JsonObject { ["large"] = _large },
                },
            });
        }

        lock (_given) _given.AddRange(objects.Select(o => new WeakReference(o)));
        return new ListedObjects(await versions.MomentAsync(ct), objects, (scope.Namespace!, "more"));
    }
}
