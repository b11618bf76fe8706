using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.BgpRouters;
using CN2.Api.ExternalNetworks;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Wire;
using CN2.Api.Options;
using CN2.Api.Services;
using CN2.Api.VirtualMachineInterfaces;
using FluentValidation;

namespace CN2.Api.Tests.Kubernetes.Kinds;

public sealed class ManifestMappingTests
{
    private static readonly BgpOptions Bgp = new() { AutonomousSystem = 64512 };

    public static TheoryData<string, int> Documents =>
        [.. Manifests.Files.SelectMany(f => Manifests.Documents(f).Select((_, i) => (f, i))).Where(d => d is not ("RouteLeak-RT-Import.yaml", 0))];

    [Theory, MemberData(nameof(Documents))]
    public void A_manifest_of_the_document_becomes_a_request_and_comes_back(string file, int index)
    {
        var (written, source, definition) = Manifests.Object(Manifests.Documents(file)[index]);
        var (mapping, request, validator) = Of(definition.Kind);
        if (definition.Kind == "Pod")
        {
            source["spec"]!["nodeName"] = "compute1";
            source["status"] = new JsonObject { ["podIP"] = "10.233.64.10" };
        }

        var faults = new FaultList();
        var body = mapping.ToRequest(source, faults);
        Assert.Empty(faults);
        // Whoever writes looks the subnets of a network up.
        if (definition.Kind == "VirtualNetwork") body["subnets"] = new JsonArray(new JsonObject { ["cidr"] = "10.0.0.0/24" });
        foreach (var absent in body.Where(m => m.Value is null).Select(m => m.Key).ToList()) body.Remove(absent);
        if (request is not null)
        {
            var read = body.Deserialize(request, ApiJson.Options)!;
            Assert.Empty(validator!.Validate(new ValidationContext<object>(read)).Errors);
            // What a resource has that was not asked for is not compared here.
            var resource = (JsonObject)JsonSerializer.SerializeToNode(read, request, ApiJson.Options)!;
            foreach (var (member, value) in resource.ToList())
            {
                if (value is null) resource.Remove(member);
            }

            body = resource;
        }

        body["namespace"] ??= written["metadata"]!["namespace"]?.DeepClone();
        var shown = ObjectOverlay.Show(mapping, body, source);
        Manifests.AssertContains(shown["metadata"], written["metadata"], "metadata");
        Manifests.AssertContains(shown["spec"], written["spec"], "spec");
    }

    [Fact]
    public void The_manifest_with_the_broken_quotation_mark_is_refused_where_it_is_read()
    {
        var refused = Assert.IsType<BodyResult.Refused>(Manifests.Read(Manifests.Documents("RouteLeak-RT-Import.yaml")[0]));
        Assert.Equal(400, refused.Status);
    }

    private static (ObjectMapping Mapping, Type? Request, IValidator? Validator) Of(string kind) => kind switch
    {
        "Service" => (new CN2.Api.Kubernetes.Kinds.ServiceMapping(), typeof(ServiceRequest), new ServiceRequestValidator(new NodePortOptions())),
        "Pod" => (new PodMapping(), typeof(VirtualMachineInterfaceRequest), new VirtualMachineInterfaceRequestValidator()),
        "VirtualNetwork" => (new VirtualNetworkMapping(), typeof(ExternalNetworkRequest), new ExternalNetworkRequestValidator(Bgp)),
        "Subnet" => (new SubnetMapping(), null, null),
        "BGPRouter" => (new BgpRouterMapping(Bgp.AutonomousSystem), typeof(BgpRouterRequest), new BgpRouterRequestValidator()),
        "NetworkAttachmentDefinition" => (new NetworkAttachmentMapping(), typeof(ExternalNetworkRequest), new ExternalNetworkRequestValidator(Bgp)),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No manifest has this kind."),
    };
}
