using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Forms;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Statuses;
using CN2.Api.Kubernetes.Tables;
using CN2.Api.Options;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>Answers with one object in the form that the client takes most.</summary>
internal static class FormAnswer
{
    /// <summary>Why no object can be answered: before anything is read or written. Null: one can.</summary>
    public static FailureStatus? Refusal(HttpContext http) =>
        Negotiation.IncludeOf(http.Request.Query["includeObject"]) is null ? FailureStatus.BadRequest("includeObject must be None, Metadata or Object")
        : FormOf(http) is null ? new FailureStatus(StatusCodes.Status406NotAcceptable, StatusReason.NotAcceptable, Negotiation.Accepted)
        : null;

    /// <param name="http">The request; <see cref="Refusal"/> has nothing against it.</param>
    /// <param name="resource">The kind of the object.</param>
    /// <param name="status">The HTTP status code.</param>
    /// <param name="shown">The object, with apiVersion and kind.</param>
    public static Task WriteAsync(HttpContext http, ResourceDefinition resource, int status, JsonObject shown)
    {
        if (FormOf(http) is not { } form || form is ObjectForm.Whole) return ObjectAnswer.WriteAsync(http, status, shown);
        var services = http.RequestServices;
        var context = new TableContext(services.GetRequiredService<TimeProvider>().GetUtcNow(), services.GetRequiredService<ControlNodeOptions>().ClusterName);
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, FormWriter.Plain)) new FormWriter(form, resource, context).WriteObject(json, shown);
        return ObjectAnswer.WriteAsync(http, status, bytes.ToArray());
    }

    private static ObjectForm? FormOf(HttpContext http) =>
        Negotiation.FormOf(http.Request.Headers.Accept, Negotiation.IncludeOf(http.Request.Query["includeObject"]) ?? RowObject.Metadata);
}
