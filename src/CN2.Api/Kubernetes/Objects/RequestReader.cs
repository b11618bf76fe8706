using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Kubernetes.Kinds;

namespace CN2.Api.Kubernetes.Objects;

/// <summary>Makes the request of <c>/v1</c> that an object stands for, checked by the validator of the resource.</summary>
internal sealed class RequestReader(RequestValidation validation)
{
    /// <summary>Exactly one of the results is set.</summary>
    /// <param name="mapping">Of the object's kind.</param>
    /// <param name="request">What the mapping made of the object, completed.</param>
    /// <param name="faults">What it found, by paths of the object.</param>
    /// <param name="isNew">There is no resource yet.</param>
    public (TRequest? Request, ObjectOutcome? Refused) Read<TRequest>(ObjectMapping mapping, JsonObject request, FaultList faults, bool isNew) where TRequest : ResourceRequest
    {
        var found = new FaultList();
        foreach (var absent in request.Where(m => m.Value is null).Select(m => m.Key).ToList()) request.Remove(absent);
        var read = RequestJson.Read(JsonSerializer.SerializeToUtf8Bytes<JsonNode>(request, ApiJson.Options), typeof(TRequest), found, out var malformed) as TRequest;
        if (malformed is not null) return (null, malformed);
        if (read is not null)
        {
            read.NameOfPath = !isNew;
            validation.CheckContent(read, found);
        }

        foreach (var fault in found) faults.Add(mapping.ToObjectPath(fault.Path), fault.Message);
        return faults.Count > 0 || read is null ? (null, new ObjectOutcome.Refused(ApiProblem.Validation(faults), HasObjectPaths: true)) : (read, null);
    }

    /// <summary>A request as JSON, to be changed by an object.</summary>
    public static JsonObject ToJson(ResourceRequest request) => (JsonObject)JsonSerializer.SerializeToNode(request, request.GetType(), ApiJson.Options)!;

    /// <summary>A resource as GET of <c>/v1</c> answers it.</summary>
    public static JsonObject ToJson(ResourceBody resource) => (JsonObject)JsonSerializer.SerializeToNode(resource, resource.GetType(), ApiJson.Options)!;
}
