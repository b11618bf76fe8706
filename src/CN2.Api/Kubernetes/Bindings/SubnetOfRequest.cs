using System.Text.Json.Nodes;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Kinds;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>Names the faults of a request whose one subnet is a Subnet by the paths of the Subnet.</summary>
internal sealed class SubnetOfRequest(ObjectMapping subnets) : ObjectMapping
{
    private const string Prefix = "subnets[0].";

    public override IReadOnlyList<string> Meant => subnets.Meant;

    public override string ToObjectPath(string path) => path.StartsWith(Prefix, StringComparison.Ordinal) ? subnets.ToObjectPath(path[Prefix.Length..]) : path;

    protected override void Fill(JsonObject resource, JsonObject target) => throw new InvalidOperationException("It only translates paths.");

    protected override void Read(JsonObject source, JsonObject request, FaultList faults) => throw new InvalidOperationException("It only translates paths.");
}
