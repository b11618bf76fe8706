namespace CN2.Api.Http;

/// <summary>A body that carries several resources in <c>items</c>.</summary>
public interface IResourceBatch
{
    IEnumerable<ResourceRequest> Resources { get; }
}
